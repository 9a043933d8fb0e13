import type { WorkerSort } from '../../../../schemas/http/fleet-views.ts'
import type { Standing } from '../standing/standing.ts'

/** Which workers a list is about; what is not given chooses all. */
export interface WorkerQuery {
  readonly status?: string | undefined
  readonly reason?: string | undefined
  readonly unknown?: boolean | undefined
  /** The id of a model. */
  readonly model?: string | undefined
  /** A part of the asset code, the id, the name of the model, or where it stands; whatever its case. */
  readonly text?: string | undefined
}

/** What comes after this in the list; the id tells those apart that are equal in what the list is sorted by. */
export interface After {
  readonly key: string
  readonly id: string
}

/** The workers that a query means. */
export function selected(standings: readonly Standing[], query: WorkerQuery): Standing[] {
  const text = query.text?.toLowerCase()
  return standings.filter(
    ({ registered, face }) =>
      (query.status === undefined || face?.status === query.status) &&
      (query.reason === undefined || face?.reason === query.reason) &&
      (query.unknown === undefined || (face !== null && face.unknown === query.unknown)) &&
      (query.model === undefined || registered.model === query.model) &&
      (text === undefined || textsOf(registered).some((one) => one.toLowerCase().includes(text))),
  )
}

/**
 * Sorted, and only what comes after `after`; at most `limit`. A value that changes between two pages may show a worker twice or
 * not at all, as in any list of the present; sorted by id or asset code each is there once.
 */
export function pageOfWorkers(
  standings: readonly Standing[],
  { sort, isDescending }: { readonly sort: WorkerSort; readonly isDescending: boolean },
  after: After | null,
  limit: number,
): Standing[] {
  const sign = isDescending ? -1 : 1
  const compare = (left: After, right: After): number =>
    sign * (left.key < right.key ? -1 : Number(left.key > right.key)) || (left.id < right.id ? -1 : 1)
  return standings
    .map((standing) => ({ standing, at: placeIn(standing, sort) }))
    .filter(({ at }) => after === null || (at.id !== after.id && compare(after, at) < 0))
    .toSorted((left, right) => compare(left.at, right.at))
    .slice(0, limit)
    .map(({ standing }) => standing)
}

/** Digits of a number in a sort key: beyond the largest safe integer. */
const KEY_DIGITS = 17

/** Where a worker stands in a list that is sorted so. Keys compare as texts; what is not known comes first. */
export function placeIn({ registered, face, reading }: Standing, sort: WorkerSort): After {
  const { id } = registered
  switch (sort) {
    case 'id':
      return { key: id, id }
    case 'asset_code':
      return { key: registered.assetCode, id }
    case 'status_since':
      return { key: digits(face?.status_since ?? null), id }
    case 'hashrate_hs':
      return { key: digits(reading?.rateHs ?? null), id }
    case 'power_w':
      return { key: digits(reading?.powerW ?? null), id }
    default:
      throw new Error(`Nothing is sorted by ${String(sort satisfies never)}.`)
  }
}

function digits(value: number | null): string {
  return value === null ? '' : String(Math.round(value)).padStart(KEY_DIGITS, '0')
}

function textsOf({ id, assetCode, modelName, container, slot }: Standing['registered']): string[] {
  return [id, assetCode, modelName ?? '', container ?? '', slot ?? '']
}

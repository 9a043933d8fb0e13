import { AccountPage } from '../../../../pipelines/fleet/slots/account-page.ts'
import type { HoleSpan } from '../../../../pipelines/fleet/slots/account-page.ts'
import type { CellDelta, Contributions, MinuteSums } from '../../../../pipelines/fleet/slots/contributions.ts'
import type { Outcome } from '../../../../pipelines/fleet/slots/outcome.ts'
import { NOT_COMMISSIONED } from '../../../../pipelines/fleet/slots/placement.ts'
import type { Placement } from '../../../../pipelines/fleet/slots/placement.ts'
import type { FailedPoll, Reading } from '../../../../pipelines/fleet/slots/reading.ts'
import { counted } from './judge.ts'
import type { Judged } from './judge.ts'

/** Something that comes at a log time: a sample, a failed poll, the end of a node's replay, or only the time. */
export type Step = { readonly atMs: number } & (
  | { readonly reading: Reading }
  | { readonly poll: FailedPoll }
  | { readonly complete: { readonly fromMs: number; readonly toMs: number } }
  | { readonly tick: true }
)

/** The worker's place in the page, and its group. */
export const WORKER = 7
export const GROUP = 3

/** The worker is commissioned from before the page begins until this time, so that the hours behind a run cost nothing. */
export const RETIRED_MS = Date.UTC(2026, 4, 6, 18)

const SLOT_MS = 30_000

/** Where a page's worker stands, and what its node has said to be complete. */
class Around implements Placement {
  readonly told: HoleSpan[] = []

  groupAt(_: number, atMs: number): number {
    return atMs < RETIRED_MS ? GROUP : NOT_COMMISSIONED
  }

  isComplete(_: number, slot: number): boolean {
    return this.told.some(({ fromMs, toMs }) => fromMs <= slot * SLOT_MS && toMs >= (slot + 1) * SLOT_MS)
  }
}

const arounds = new WeakMap<AccountPage, Around>()

function aroundOf(page: AccountPage): Around {
  const around = arounds.get(page)
  if (around === undefined) throw new Error('The page was not made by pageWith.')
  return around
}

/** A page with one worker. */
export function pageWith(startMs: number, intervalS: number, spreadS = 17): AccountPage {
  const around = new Around()
  const page = AccountPage.empty(startMs, around)
  arounds.set(page, around)
  page.configure(WORKER, { intervalS, spreadS })
  return page
}

/** The page that is read back from what another one writes. */
function readBack(page: AccountPage): AccountPage {
  const around = aroundOf(page)
  const next = AccountPage.decode(page.encode(), around)
  arounds.set(next, around)
  return next
}

function complete(page: AccountPage, span: HoleSpan): void {
  page.complete(WORKER, (holes) =>
    holes.map(({ fromMs, toMs }) => ({
      fromMs: Math.max(fromMs, span.fromMs),
      toMs: Math.min(toMs, span.toMs),
    })),
  )
  aroundOf(page).told.push(span)
}

export function applyStep(page: AccountPage, step: Step): Outcome | null {
  page.advance(step.atMs)
  if ('reading' in step) return page.apply(WORKER, step.reading)
  if ('poll' in step) return page.failedPoll(WORKER, step.poll)
  if ('complete' in step) complete(page, step.complete)
  return null
}

export interface Run {
  readonly cells: readonly CellDelta[]
  readonly minutes: readonly MinuteSums[]
  readonly outcomes: readonly (Outcome | null)[]
  readonly page: AccountPage
}

/** Applies steps to a page, and lets log time pass to `endMs`. Before the steps in `crashes` the page dies and is read back. */
export function run(
  first: AccountPage,
  steps: readonly Step[],
  endMs: number,
  crashes: ReadonlySet<number> = new Set(),
): Run {
  let page = first
  const cells: CellDelta[] = []
  const minutes: MinuteSums[] = []
  const take = (): void => {
    const taken = page.take()
    cells.push(...taken.cells)
    minutes.push(...taken.minutes)
  }
  const outcomes = steps.map((step, index) => {
    if (crashes.has(index)) page = readBack(page)
    const outcome = applyStep(page, step)
    take()
    return outcome
  })
  page.advance(endMs)
  take()
  return { cells, minutes, outcomes, page }
}

/** Rows added up by a key. */
export function summed<Row extends Contributions>(
  rows: readonly Row[],
  keyOf: (row: Row) => number,
): Map<number, Judged> {
  return new Map(
    [...Map.groupBy(rows, keyOf)].map(([key, those]) => [
      key,
      {
        seconds: counted(those.flatMap(({ seconds }) => Object.entries(seconds))),
        bridgedS: total(those, ({ bridgedS }) => bridgedS),
        commissionedS: total(those, ({ commissionedS }) => commissionedS),
        hashes: those.reduce((sum, { hashes }) => sum + hashes, 0n),
        joules: counted(
          those.flatMap(({ joules }) =>
            Object.entries(joules).map(([source, sums]) => [source, sums.joules] as const),
          ),
        ),
      },
    ]),
  )
}

export function total<Row>(rows: readonly Row[], amountOf: (row: Row) => number): number {
  return rows.reduce((sum, row) => sum + amountOf(row), 0)
}

import { textIn, numberIn } from '../../../../pipelines/fleet/inventory/body.ts'
import type { Book } from '../../../../pipelines/fleet/inventory/book.ts'
import { INTERVAL_S_DEFAULT } from '../../../../pipelines/fleet/inventory/context.ts'
import type { Entity } from '../../../../pipelines/fleet/inventory/entity.ts'
import { commissionedOf, groupAt, groupOf } from '../../../../pipelines/fleet/inventory/groups.ts'
import { KNOWN_ALL } from '../../../../pipelines/fleet/inventory/versions.ts'
import { assignmentAt } from '../../../../pipelines/fleet/inventory/where.ts'
import { NOT_COMMISSIONED } from '../../../../pipelines/fleet/slots/placement.ts'
import type { Intent } from '../../../../pipelines/fleet/live/intended.ts'

/** What the inventory says of a worker at a time. Texts are null where nothing is assigned, or known. */
export interface Registered {
  readonly id: string
  /** Page × 256 + index. */
  readonly place: number
  readonly assetCode: string
  readonly isCommissioned: boolean
  readonly algorithm: string | null
  readonly location: string | null
  readonly container: string | null
  readonly slot: string | null
  readonly node: string | null
  readonly customer: string | null
  /** The id of its model's record, and the name that people know. */
  readonly model: string | null
  readonly modelName: string | null
  readonly intervalS: number
  readonly intent: Intent
}

/** A worker of a book as of a time, or as it begins where that is later; null for one that has ended. */
export function registeredAt(book: Book, nowMs: number, { id, place, versions }: Entity): Registered | null {
  const atMs = Math.max(nowMs, versions[0]?.valid_from ?? 0)
  const body = book.at('worker', id, atMs)?.body
  if (body == null) return null
  const modelId = textIn(body, 'model')
  const model = book.at('model', modelId, atMs)?.body ?? {}
  const assignment = assignmentAt(book, id, atMs, KNOWN_ALL) ?? {}
  const group = groupAt(book, id, atMs, KNOWN_ALL)
  const { algorithm } = groupOf(book, group)
  const { fromMs, toMs } = commissionedOf(book, id, KNOWN_ALL)
  return {
    id,
    place,
    assetCode: textIn(body, 'asset_code') ?? id,
    isCommissioned: group !== NOT_COMMISSIONED && nowMs >= fromMs && nowMs < toMs,
    algorithm: textIn(model, 'algorithm') ?? (algorithm === '' ? null : algorithm),
    location: textIn(assignment, 'location'),
    container: textIn(assignment, 'container'),
    slot: textIn(assignment, 'slot'),
    node: textIn(assignment, 'node'),
    customer: textIn(assignment, 'customer'),
    model: modelId,
    modelName: modelNameOf(textIn(model, 'make'), textIn(model, 'model')),
    intervalS: numberIn(body, 'interval_s') ?? INTERVAL_S_DEFAULT,
    intent: {
      profileRateHs: numberIn(body, 'profile_hashrate_hs'),
      profilePowerW: numberIn(body, 'profile_power_w'),
      modelRateHs: numberIn(model, 'nominal_hashrate_hs'),
      modelPowerW: numberIn(model, 'nominal_power_w'),
    },
  }
}

function modelNameOf(make: string | null, model: string | null): string | null {
  return model === null ? null : make === null || model.startsWith(make) ? model : `${make} ${model}`
}

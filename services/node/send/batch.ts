import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { BATCH_BYTES_MAX } from '../../../schemas/fleet/bounds.ts'
import type { FleetNodeName, Lane, Mark, Span } from '../../../schemas/fleet/records.ts'
import { KIB } from '../../../schemas/units.ts'
import { decodeItem } from '../spool/item-bytes.ts'
import type { Run } from '../spool/spool-index.ts'
import { itemJson } from './item-json.ts'

/** A batch as it is sent, and sent again, until it is taken or found unfit. */
export interface Batch {
  readonly run: Run
  readonly lane: Lane
  readonly complete: readonly Span[]
  readonly items: readonly JsonObject[]
  readonly body: JsonObject
}

export interface BatchHead {
  readonly node: FleetNodeName
  readonly intervalS: number
  readonly lane: Lane
  readonly low: Mark
  readonly complete: readonly Span[]
}

/** Room for what a batch says of itself. */
const HEAD_BYTES_MAX = 16 * KIB

/** As many of the items of a run as fit into one batch, at least one. */
export function batchOf(
  run: Run,
  bytes: readonly Buffer[],
  { node, intervalS, lane, low, complete }: BatchHead,
): Batch {
  const items: JsonObject[] = []
  let sizeBytes = HEAD_BYTES_MAX
  for (const one of bytes) {
    const item = itemJson(decodeItem(one))
    sizeBytes += Buffer.byteLength(JSON.stringify(item)) + 1
    if (items.length > 0 && sizeBytes > BATCH_BYTES_MAX) break
    items.push(item)
  }
  return assembled({ ...run, to: run.from + items.length }, items, { node, intervalS, lane, low, complete })
}

/** The first half of a batch that was found unfit; null of one item. Nothing is said to be complete with it. */
export function firstHalf(batch: Batch, head: BatchHead): Batch | null {
  const { run, items } = batch
  if (items.length <= 1) return null
  const half = items.slice(0, Math.ceil(items.length / 2))
  return assembled({ ...run, to: run.from + half.length }, half, { ...head, complete: [] })
}

function assembled(run: Run, items: readonly JsonObject[], head: BatchHead): Batch {
  const { node, intervalS, lane, low, complete } = head
  const body = {
    ...node,
    epoch: run.epoch,
    first_seq: run.from,
    lane,
    low,
    complete,
    interval_s: intervalS,
    items,
  }
  return { run, lane, complete, items, body }
}

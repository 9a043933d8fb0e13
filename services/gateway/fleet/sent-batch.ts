import { acceptBatch } from '../../../pipelines/fleet/accept/accept-batch.ts'
import type { BatchHead } from '../../../pipelines/fleet/accept/accept-batch.ts'
import { acceptItem, refusedItem } from '../../../pipelines/fleet/accept/accept-item.ts'
import { NotPacked } from '../../../pipelines/fleet/accept/packed/avro-bytes.ts'
import { readPackedBatch, walkItems } from '../../../pipelines/fleet/accept/packed/packed-batch.ts'
import { rejudge } from '../../../pipelines/fleet/accept/packed/rejudge.ts'
import { readObjectWithItems } from '../../../pipelines/json/json-member.ts'
import { Refusal } from '../../../pipelines/json/refusal.ts'
import { BATCH_ITEMS_MAX, ITEM_BYTES_MAX } from '../../../schemas/fleet/bounds.ts'
import type { FleetItem } from '../../../schemas/fleet/records.ts'
import type { RefusalCode } from '../../../schemas/reasons.ts'
import { Problem } from '../../http/problem.ts'
import { encodedItem } from './batch-records.ts'
import { invalidBody } from './fleet-problems.ts'

/** Items that are made and judged before other requests get a turn. */
export const ITEMS_PER_TURN = 100

/** An item that is refused for good. */
export interface RefusedItem {
  readonly index: number
  readonly code: RefusalCode
  readonly path: string
  readonly detail: string
}

/** The items of a batch as the log keeps them, encoded: each that is refused as its code alone. */
export interface JudgedItems {
  readonly items: readonly Buffer[]
  readonly refused: readonly RefusedItem[]
}

/** A batch as a node sent it, packed or as JSON. */
export interface SentBatch {
  readonly head: BatchHead
  /**
   * Judges the items one by one at log time `receiptMs`, in parts, one part each turn: a bad one does not cause others to be
   * refused. Throws a Problem where the whole batch cannot be read.
   */
  readonly judge: (receiptMs: number) => Promise<JudgedItems>
}

/** Reads a batch from JSON. Throws a Problem where it is none. */
export async function sentAsJson(body: Buffer, pause: () => Promise<void>): Promise<SentBatch> {
  const read = await readObjectWithItems(body, 'items', BATCH_ITEMS_MAX, pause)
  if ('fault' in read)
    throw new Problem(read.fault === 'too_many' ? 'too_many_events' : 'not_json', read.detail)
  const { rest, items: sent } = read
  return {
    head: headOf(rest),
    judge: async (receiptMs) => {
      const judged = new Judging()
      for (let index = 0; index < sent.count; index += 1) {
        if (index > 0 && index % ITEMS_PER_TURN === 0) await pause()
        judged.add(
          sent.sizeBytes(index) > ITEM_BYTES_MAX ? TOO_LARGE : acceptItem(sent.parsed(index), receiptMs),
        )
      }
      return judged
    },
  }
}

/** Reads a packed batch: what can be kept as it stands is neither decoded nor encoded. Throws a Problem where it is none. */
export function sentPacked(body: Buffer, pause: () => Promise<void>): SentBatch {
  const { rest, bytes } = readOrRefuse(() => readPackedBatch(body))
  return {
    head: headOf(rest),
    judge: async (receiptMs) => {
      const terms = { receiptMs, itemsMax: BATCH_ITEMS_MAX, pause }
      const walked = await walkItems(bytes, terms).catch(refuseUnreadable)
      if (walked === null)
        throw new Problem('too_many_events', `The batch has more than ${BATCH_ITEMS_MAX} items.`)
      const judged = new Judging()
      let rejudged = 0
      for (const { bytes: item, isKept } of walked) {
        if (item.length > ITEM_BYTES_MAX) judged.add(TOO_LARGE)
        else if (isKept) judged.keep(item)
        else {
          if (rejudged > 0 && rejudged % ITEMS_PER_TURN === 0) await pause()
          rejudged += 1
          judged.add(rejudge(item, receiptMs))
        }
      }
      return judged
    },
  }
}

const TOO_LARGE = new Refusal('too_large', '', `Has more than ${ITEM_BYTES_MAX} bytes.`)

class Judging implements JudgedItems {
  readonly items: Buffer[] = []
  readonly refused: RefusedItem[] = []

  keep(item: Buffer): void {
    this.items.push(item)
  }

  add(judged: FleetItem | Refusal): void {
    if (judged instanceof Refusal) {
      const { code, path, detail } = judged
      this.refused.push({ index: this.items.length, code, path, detail })
      this.items.push(encodedItem(refusedItem(judged)))
    } else this.items.push(encodedItem(judged))
  }
}

function headOf(rest: unknown): BatchHead {
  const head = acceptBatch(rest)
  if (head instanceof Refusal) throw invalidBody(head)
  return head
}

function readOrRefuse<Read>(read: () => Read): Read {
  try {
    return read()
  } catch (error) {
    return refuseUnreadable(error)
  }
}

function refuseUnreadable(error: unknown): never {
  if (!(error instanceof NotPacked)) throw error
  throw new Problem('unreadable_body', `These are not the bytes of worker-telemetry.v1: ${error.message}.`)
}

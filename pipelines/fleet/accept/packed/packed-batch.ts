import { FRAME_BYTES, SCHEMA_ID, schemaIdOf } from '../../../../schemas/avro.ts'
import { AHEAD_MS_MAX } from '../../../../schemas/fleet/bounds.ts'
import { LANES } from '../../../../schemas/fleet/records.ts'
import { BYTES_PER_TURN } from '../../../json/json-items.ts'
import { REST_BYTES_MAX } from '../../../json/json-member.ts'
import { AvroBytes, NotPacked } from './avro-bytes.ts'
import { walkItem } from './walk-item.ts'

/** The beginning of a packed batch. */
export interface PackedBatch {
  /** What it says of itself, as JSON says it, with an empty array in the place of the items. */
  readonly rest: unknown
  /** Before the items. */
  readonly bytes: AvroBytes
}

/** An item of a packed batch. */
export interface PackedItem {
  readonly bytes: Buffer
  /** Whether the log may keep its bytes. */
  readonly isKept: boolean
}

/**
 * Reads the beginning of a packed batch: a value of worker-telemetry.v1 with the framing that it has in the log. Throws
 * `NotPacked` where it is none.
 */
export function readPackedBatch(body: Buffer): PackedBatch {
  const id = schemaIdOf(body)
  if (id !== SCHEMA_ID.workerTelemetry) {
    const found = id === null ? 'no framing' : `schema ${id}`
    throw new NotPacked(`they have ${found}; ${SCHEMA_ID.workerTelemetry} (worker-telemetry.v1) is taken`)
  }
  const bytes = new AvroBytes(body, FRAME_BYTES)
  const rest = {
    provider_id: bytes.text(),
    location_id: bytes.text(),
    node_id: bytes.text(),
    epoch: bytes.long(),
    first_seq: bytes.long(),
    lane: LANES[bytes.place(LANES.length)],
    low: { epoch: bytes.long(), seq: bytes.long() },
    complete: spansIn(bytes),
    interval_s: bytes.long(),
    items: [],
  }
  boundRest(bytes)
  return { rest, bytes }
}

/**
 * Goes over the items to the end of the batch, some of them in each turn: `pause` gives other work a turn. Times may be up
 * to a minute after `receiptMs`. Null where there are more than `itemsMax`. Throws `NotPacked`.
 */
export async function walkItems(
  bytes: AvroBytes,
  terms: {
    readonly receiptMs: number
    readonly itemsMax: number
    readonly pause: () => Promise<void>
  },
): Promise<PackedItem[] | null> {
  const { receiptMs, itemsMax, pause } = terms
  const items: PackedItem[] = []
  let turnAt = bytes.at
  for (let left = bytes.block(true); left > 0; left = bytes.block(false)) {
    if (items.length + left > itemsMax) return null
    for (; left > 0; left -= 1) {
      if (bytes.at - turnAt >= BYTES_PER_TURN) {
        await pause()
        turnAt = bytes.at
      }
      const start = bytes.at
      const isKept = walkItem(bytes, receiptMs + AHEAD_MS_MAX)
      items.push({ bytes: bytes.bytes.subarray(start, bytes.at), isKept })
    }
  }
  if (bytes.isAtEnd) return items
  throw new NotPacked(`${bytes.bytes.length - bytes.at} bytes follow the items`)
}

function spansIn(bytes: AvroBytes): { readonly from: number; readonly to: number }[] {
  const spans: { readonly from: number; readonly to: number }[] = []
  for (let left = bytes.block(true); left > 0; left = bytes.block(false)) {
    for (; left > 0; left -= 1) {
      spans.push({ from: bytes.long(), to: bytes.long() })
      boundRest(bytes)
    }
  }
  return spans
}

/** As in JSON, what stands beside the items is read in one turn. */
function boundRest({ at }: AvroBytes): void {
  if (at > REST_BYTES_MAX) throw new NotPacked(`they have more than ${REST_BYTES_MAX} bytes before the items`)
}

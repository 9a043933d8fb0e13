import avsc from 'avsc'
import { FRAME_BYTES, SCHEMA_ID, avroType } from '../../../schemas/avro.ts'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { Pack, Packer } from '../queue/packer.ts'

/** Most bytes of one record's value: with the overhead of its batch well below the topic's 2 MiB. */
export const RECORD_BYTES_MAX = 900_000

/** Bytes before the first event: the frame and the count of a block of up to 10,000 events (Avro: 3 bytes). */
const HEAD_BYTES = FRAME_BYTES + 3

const FIRST_BYTES = 4_096

/** An Avro array ends with an empty block. */
const ARRAY_END = 0

const eventType = eventTypeOf(avroType('usage-events.v2'))

function eventTypeOf(record: avsc.Type): avsc.Type {
  const events = record instanceof avsc.types.RecordType ? record.field('events').type : null
  if (events instanceof avsc.types.ArrayType) return events.itemsType
  throw new Error('usage-events.v2.avsc is no record with an array "events".')
}

/**
 * One record of usage.metered as it grows: each event is encoded once, into its final place. The count is known last and
 * is written right-aligned before the events, so that it has the shortest form, as Avro requires.
 */
export class UsagePack implements Pack<UsageEvent> {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)
  #end = HEAD_BYTES
  #events = 0

  get events(): number {
    return this.#events
  }

  get sizeBytes(): number {
    return this.#end + 1
  }

  add(event: UsageEvent): boolean {
    if (this.#events >= USAGE_BOUNDS.eventsPerRecordMax) return false
    for (;;) {
      // avsc returns the number of missing bytes, negative, where the buffer ends first.
      const end = eventType.encode(event, this.#buffer, this.#end)
      if (end >= 0 && end < RECORD_BYTES_MAX && end < this.#buffer.length) {
        this.#end = end
        this.#events += 1
        return true
      }
      if (this.#buffer.length >= RECORD_BYTES_MAX) return false
      this.#grow()
    }
  }

  finish(): Buffer {
    this.#buffer[this.#end] = ARRAY_END
    const count = eventCount(this.#events)
    const start = HEAD_BYTES - FRAME_BYTES - count.length
    this.#buffer[start] = 0
    this.#buffer.writeUInt32BE(SCHEMA_ID.usageEvents, start + 1)
    count.copy(this.#buffer, start + FRAME_BYTES)
    return this.#buffer.subarray(start, this.#end + 1)
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(Math.min(this.#buffer.length * 2, RECORD_BYTES_MAX))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }
}

/** Packs usage events, each to the partition of the node that it names. */
export const usagePacker: Packer<UsageEvent> = {
  nodeOf: ({ node_id }) => node_id,
  begin: () => new UsagePack(),
}

const longType = avsc.Type.forSchema('long')

function eventCount(events: number): Buffer {
  return longType.toBuffer(events)
}

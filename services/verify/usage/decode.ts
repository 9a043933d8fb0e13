import { TEXT_CODE_POINTS_MAX } from '../../../schemas/ids.ts'
import { SOURCE_CODE_POINTS_MAX } from '../../../schemas/identity.ts'
import { ENERGY_SOURCES, EXECUTIONS, TASK_SOURCES, USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { Execution, UsageEvent, UsageMore } from '../../../schemas/usage.ts'

/** Bytes that are not a value of the schema: the whole record is set aside. */
export class NotAvro extends Error {}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Marks text that is not UTF-8: a lone surrogate, which no field may hold. */
const NOT_UTF8 = '\ud800'

const TEXT_BYTES_MAX = TEXT_CODE_POINTS_MAX * 4
const SOURCE_BYTES_MAX = SOURCE_CODE_POINTS_MAX * 4

/** The fewest bytes of an event and of the array's end; a count that promises more events than fit is false. */
const EVENT_BYTES_MIN = 33

/** Reads Avro's binary encoding, every length checked against the bytes that are there. */
class AvroReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get rest(): number {
    return this.#bytes.length - this.#at
  }

  fixed(length: number): Buffer {
    if (length < 0 || length > this.rest) throw new NotAvro('a length beyond the bytes')
    const start = this.#at
    this.#at += length
    return this.#bytes.subarray(start, this.#at)
  }

  /** A zigzag varint. Beyond 2^53 the result is rounded: no field accepts such a number. */
  long(): number {
    let raw = 0n
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 63n) throw new NotAvro('an integer of more than 64 bits')
      const byte = this.fixed(1)[0] as number
      raw |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return Number(raw % 2n === 0n ? raw / 2n : -(raw + 1n) / 2n)
  }

  string(bytesMax = TEXT_BYTES_MAX): string {
    const length = this.long()
    if (length > bytesMax) throw new NotAvro('a text that is too long')
    const bytes = this.fixed(length)
    try {
      return UTF8.decode(bytes)
    } catch {
      return NOT_UTF8
    }
  }

  nullable<T>(read: () => T): T | null {
    const branch = this.long()
    if (branch === 0) return null
    if (branch === 1) return read()
    throw new NotAvro('an unknown branch of a union')
  }

  oneOf<T>(symbols: readonly T[]): T {
    return nameAt(symbols, this.long())
  }

  array<T>(itemBytesMin: number, itemsMax: number, read: () => T): T[] {
    const items: T[] = []
    for (;;) {
      let count = this.long()
      if (count === 0) return items
      if (count < 0) {
        count = -count
        this.long()
      }
      if (count * itemBytesMin > this.rest) throw new NotAvro('more items than the bytes can hold')
      if (items.length + count > itemsMax) throw new NotAvro('more items than one record may hold')
      for (; count > 0; count -= 1) items.push(read())
    }
  }
}

function nameAt<T>(symbols: readonly T[], place: number): T {
  const symbol = symbols[place]
  if (symbol === undefined) throw new NotAvro('an unknown symbol of an enum')
  return symbol
}

const NAME_BYTES_MAX = 32 * 4
const VALUE_BYTES_MAX = 64 * 4

function readMore(reader: AvroReader, rules: number): UsageMore {
  const long = (): number => reader.long()
  return {
    gpus: reader.long(),
    inferences: reader.long(),
    tokens_cached: reader.nullable(long),
    tokens_reasoning: reader.nullable(long),
    execution: reader.nullable(() => readExecution(reader, rules)),
    labels: reader.array(2, Number.POSITIVE_INFINITY, () => ({
      name: reader.string(NAME_BYTES_MAX),
      value: reader.string(VALUE_BYTES_MAX),
    })),
  }
}

/** The first rules by which an execution whose place is -1 makes the record malformed; until then it was none. */
const EXECUTIONS_NAMED = 4

function readExecution(reader: AvroReader, rules: number): Execution | null {
  const place = reader.long()
  if (place === -1 && rules < EXECUTIONS_NAMED) return null
  return nameAt(EXECUTIONS, place)
}

/**
 * The events of one value without its framing, as they are read by `rules`. Their values are not judged yet; each event
 * has what version 2 of the schema adds to version 1, or is without it. Throws NotAvro. This is a decoder of its own, so
 * that it shares no fault with the task's.
 */
export function decodeUsageEvents(bytes: Buffer, isVersion2: boolean, rules: number): UsageEvent[] {
  const reader = new AvroReader(bytes)
  const events = reader.array(EVENT_BYTES_MIN, USAGE_BOUNDS.eventsPerRecordMax, () =>
    readEvent(reader, isVersion2, rules),
  )
  if (reader.rest > 0) throw new NotAvro('bytes behind the value')
  return events
}

/** The same for a value that is one event. */
export function decodeUsageEvent(bytes: Buffer, rules: number): UsageEvent {
  const reader = new AvroReader(bytes)
  const event = readEvent(reader, true, rules)
  if (reader.rest > 0) throw new NotAvro('bytes behind the value')
  return event
}

function readEvent(reader: AvroReader, isVersion2: boolean, rules: number): UsageEvent {
  const string = (): string => reader.string()
  const long = (): number => reader.long()
  return {
    event_id: reader.fixed(16),
    event_text: reader.nullable(string),
    node_id: reader.string(),
    operator_id: reader.nullable(string),
    model_id: reader.string(),
    task_source: reader.oneOf(TASK_SOURCES),
    occurred_at: reader.long(),
    tokens_in: reader.long(),
    tokens_out: reader.long(),
    duration_ms: reader.nullable(long),
    gpu_ms: reader.nullable(long),
    energy_mwh: reader.nullable(long),
    energy_source: reader.oneOf(ENERGY_SOURCES),
    cost_nano_usd: reader.long(),
    goal_id: reader.nullable(string),
    requester_node_id: reader.nullable(string),
    reservation_id: reader.nullable(string),
    event_source: isVersion2 ? reader.nullable(() => reader.string(SOURCE_BYTES_MAX)) : null,
    more: isVersion2 ? reader.nullable(() => readMore(reader, rules)) : null,
  }
}

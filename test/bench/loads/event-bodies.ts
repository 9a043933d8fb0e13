import { randomBytes, randomInt } from 'node:crypto'
import { requestBytes } from '../harness/lane.ts'

/** The events that a load sends, in a form in which they can be counted in the log afterwards. */
export interface EventRun {
  /** 4 bytes as hex with which every id of the run begins. */
  readonly runId: string
  /** Number of the first batch: ids end with the batch's number and the event's place in it. */
  readonly firstBatch: number
  readonly eventsPerBatch: number
  readonly nodes: number
}

/** Up to this number, the place in a batch fits its four hexadecimal digits. */
const EVENTS_PER_BATCH_MAX = 65_536

const OPERATORS_SHARE = 4
const SPREAD_MS = 20_000
/** A body that is sent again after this long gets new times: events of the past would be late, and leave memory early. */
const TIMES_AGE_MS_MAX = 5_000
const BEFORE_TIME = '"occurred_at":'
const BEFORE_ID = '{"event_id":"'
const ID_PREFIX_CHARACTERS = 24

/** A node of the load, by number. */
export function loadNode(number: number): string {
  return `node-${String(number).padStart(7, '0')}`
}

/**
 * The bytes of a POST of many events, encoded once: for each send only the number of the batch in the ids is written
 * anew, and the times every few seconds, so that no JSON is made during a measurement.
 */
export class BatchTemplate {
  readonly #bytes: Buffer
  readonly #batchAt: Uint32Array
  readonly #timeAt: Uint32Array
  /** How long each event happened before the body's time. */
  readonly #agesMs: Uint32Array
  #nowMs: number

  constructor(run: EventRun, nowMs: number) {
    if (run.eventsPerBatch > EVENTS_PER_BATCH_MAX)
      throw new Error(`At most ${EVENTS_PER_BATCH_MAX} events a batch.`)
    this.#nowMs = nowMs
    this.#batchAt = new Uint32Array(run.eventsPerBatch)
    this.#timeAt = new Uint32Array(run.eventsPerBatch)
    this.#agesMs = Uint32Array.from(this.#timeAt, () => randomInt(SPREAD_MS))
    let body = '['
    for (let index = 0; index < run.eventsPerBatch; index++) {
      if (index > 0) body += ','
      this.#batchAt[index] = body.length + BEFORE_ID.length + ID_PREFIX_CHARACTERS
      const text = eventText(run, index, nowMs - (this.#agesMs[index] as number))
      this.#timeAt[index] = body.length + text.indexOf(BEFORE_TIME) + BEFORE_TIME.length
      body += text
    }
    body += ']'
    this.#bytes = requestBytes('POST', '/v1/events', body)
    const bodyAt = this.#bytes.length - body.length
    for (const places of [this.#batchAt, this.#timeAt]) {
      for (const [index, at] of places.entries()) places[index] = at + bodyAt
    }
  }

  /** The request of a batch that is sent about now; valid until the next call. */
  numbered(batch: number, nowMs: number): Buffer {
    if (nowMs - this.#nowMs > TIMES_AGE_MS_MAX) {
      this.#nowMs = nowMs
      for (const [index, at] of this.#timeAt.entries()) {
        this.#bytes.write(String(nowMs - (this.#agesMs[index] as number)), at, 'latin1')
      }
    }
    const digits = Buffer.from(batch.toString(16).padStart(8, '0'), 'latin1')
    for (const at of this.#batchAt) this.#bytes.set(digits, at)
    return this.#bytes
  }
}

/** An event like those of the reference measurements: a tenth costs something, a fifth is the node's own work. */
function eventText(run: EventRun, index: number, occurredAtMs: number): string {
  const chance = randomBytes(16)
  const hex = chance.toString('hex')
  const node = chance.readUInt32LE(0) % run.nodes
  const costs = index % 10 === 0
  return JSON.stringify({
    event_id: `${run.runId}-${hex.slice(0, 4)}-4${hex.slice(4, 7)}-8${hex.slice(7, 10)}-00000000${index.toString(16).padStart(4, '0')}`,
    node_id: loadNode(node),
    operator_id: `op-${Math.floor(node / OPERATORS_SHARE)}`,
    model_id: costs ? 'gpt-4.1' : 'qwen3.5-4b-local',
    task_source: index % 5 === 1 ? 'own' : 'hive',
    occurred_at: occurredAtMs,
    tokens_in: chance.readUInt16LE(8) % 4_000,
    tokens_out: chance.readUInt16LE(10) % 1_000,
    duration_ms: chance.readUInt16LE(12) % 20_000,
    ...(costs && { actual_usd_cost: `0.0${1 + (chance.readUInt16LE(14) % 5)}` }),
  })
}

/** The batch and place of a run to which an id of the log belongs; null for an id of another run. */
export function placeOfId(
  id: Buffer,
  runId: Buffer,
): { readonly batch: number; readonly index: number } | null {
  if (id.compare(runId, 0, 4, 0, 4) !== 0) return null
  return { batch: id.readUInt32BE(10), index: id.readUInt16BE(14) }
}

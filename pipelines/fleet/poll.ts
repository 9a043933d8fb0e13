import { isJsonObject } from '../json/json-object.ts'
import { parseRfc3339 } from '../json/rfc3339.ts'

/** One answer of a machine as the node got it. */
export interface RawAnswer {
  /** The node's name for what it asked: a command, a path. */
  readonly request: string
  /** The parsed answer, or the text as it came. */
  readonly body: { readonly parsed: unknown } | { readonly text: string }
}

/** What the catalogue of models says. Null: it does not say. */
export interface ModelRecord {
  readonly make: string | null
  readonly model: string | null
  readonly algorithm: string | null
  readonly boards: number | null
  readonly chipsPerBoard: number | null
  readonly fans: number | null
  /** The unit that a rate has where its label says another: `MH`. */
  readonly labelUnit: string | null
}

/** What the inventory knows of the machine. */
export interface MachineContext {
  /** Null for a machine whose model is unknown. */
  readonly model: ModelRecord | null
  /** IANA name of the zone in which machines of this location show local times. */
  readonly locationTimezone: string | null
  readonly gpusExpected: number | null
}

/** One poll of one machine: all that an adapter may know. */
export interface Poll {
  readonly adapter: string
  /** By the node's clock. */
  readonly collectedAtMs: number
  readonly context: MachineContext
  readonly answers: readonly RawAnswer[]
}

/** Reads a document of the form of `test/fixtures/fleet`; where it is none, says why, without a text of it. */
export function readPoll(document: unknown): Poll | { readonly problem: string } {
  if (!isJsonObject(document)) return { problem: 'it is not a JSON object' }
  const { adapter, collected_at: collectedAt, context = {}, answers } = document
  if (typeof adapter !== 'string') return { problem: '"adapter" is missing, or is no text' }
  const collectedAtMs = typeof collectedAt === 'string' ? parseRfc3339(collectedAt) : null
  if (collectedAtMs === null) return { problem: '"collected_at" is missing, or is no RFC 3339 time' }
  if (!isJsonObject(context)) return { problem: '"context" is no object' }
  if (!Array.isArray(answers)) return { problem: '"answers" is missing, or is no array' }
  const read = (answers as readonly unknown[]).map(readAnswer)
  const wrong = read.indexOf(null)
  if (wrong >= 0)
    return { problem: `"answers" has no "request" with "body" or "body_text" at index ${wrong}` }
  return {
    adapter,
    collectedAtMs,
    context: readContext(context),
    answers: read.filter((one) => one !== null),
  }
}

function readAnswer(answer: unknown): RawAnswer | null {
  if (!isJsonObject(answer)) return null
  const { request, body, body_text: text } = answer
  if (typeof request !== 'string') return null
  if (typeof text === 'string') return { request, body: { text } }
  return body === undefined ? null : { request, body: { parsed: body } }
}

/** What the inventory knows of a machine, in the names of `test/fixtures/fleet`; what is missing or no such value is null. */
export function readContext(context: Readonly<Record<string, unknown>>): MachineContext {
  const { model, location_timezone: zone, gpus_expected: gpus } = context
  return {
    model: isJsonObject(model) ? readModel(model) : null,
    locationTimezone: textOf(zone),
    gpusExpected: countOf(gpus),
  }
}

function readModel(model: Readonly<Record<string, unknown>>): ModelRecord {
  return {
    make: textOf(model['make']),
    model: textOf(model['model']),
    algorithm: textOf(model['algorithm']),
    boards: countOf(model['boards']),
    chipsPerBoard: countOf(model['chips_per_board']),
    fans: countOf(model['fans']),
    labelUnit: textOf(model['label_unit']),
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function countOf(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null
}

import { readsAsId } from '../../../schemas/ids.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { isJsonObject } from '../../json/json-object.ts'
import type { JsonObject } from '../../json/json-object.ts'
import { acceptUsageEvent, hasUsageNames, unknownField } from './accept.ts'
import type { AcceptMarks } from './accept.ts'
import { Refusal, jsonPointer } from '../../json/refusal.ts'

/** The only CloudEvents type that is a usage event. */
const CLOUDEVENT_TYPE = 'hivemeter.usage.v1'

/** Usage fields that are in the envelope, by the attribute that holds them. */
const ENVELOPE_FIELDS: ReadonlyMap<string, string> = new Map([
  ['event_id', 'id'],
  ['source', 'source'],
  ['node_id', 'subject'],
  ['occurred_at', 'time'],
])

const ATTRIBUTES: ReadonlySet<string> = new Set([
  'specversion',
  'type',
  'source',
  'subject',
  'id',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
])

/** CloudEvents 1.0: names of extension attributes. Names with "_" are not such names, so a misplaced cost is refused. */
const EXTENSION_NAME = /^[a-z0-9]+$/

const JSON_MEDIA_TYPE = /^\s*[a-z0-9.+-]+\/(?:json|[a-z0-9.+-]+\+json)\s*(?:;|$)/i

/**
 * Judges one CloudEvent in its JSON form: `subject` is node_id, `id` is event_id, `source` is the source of a text, `time`
 * is occurred_at, and the rest is in `data`. Extension attributes are allowed and not kept. Paths of the refusal are those
 * of the CloudEvent.
 */
export function acceptCloudEvent(
  item: unknown,
  receiptMs: number,
  marks?: AcceptMarks,
): UsageEvent | Refusal {
  if (!isJsonObject(item)) return new Refusal('not_an_object', '', 'A CloudEvent is a JSON object.')
  const refusal = envelopeProblem(item)
  if (refusal !== null) return refusal
  const { id, source: sender, subject, time, data = null } = item as { [name: string]: unknown }
  if (data !== null && !isJsonObject(data)) {
    return new Refusal('not_an_object', '/data', 'Holds the fields of the usage event as a JSON object.')
  }
  for (const name in data) {
    const attribute = ENVELOPE_FIELDS.get(name)
    if (attribute !== undefined) {
      return new Refusal(
        'unknown_field',
        `/data/${name}`,
        `Stands in the attribute "${attribute}" of the envelope.`,
      )
    }
  }
  // Besides a UUID or ULID the source adds nothing, and it may be as long as a URI reference can be.
  const source = typeof id === 'string' && readsAsId(id) ? undefined : sender
  const said = { ...data, event_id: id, source, node_id: subject, occurred_at: time }
  const result = acceptUsageEvent(said, receiptMs, marks)
  return result instanceof Refusal ? inEnvelope(result) : result
}

/**
 * Whether all names in the data of a parsed item are those of a usage event; where one is not, `acceptCloudEvent` refuses
 * it.
 */
export function hasCloudEventNames(item: unknown): boolean {
  if (!isJsonObject(item)) return false
  const { data } = item
  return data === undefined || data === null || hasUsageNames(data)
}

function inEnvelope(refusal: Refusal): Refusal {
  const attribute = ENVELOPE_FIELDS.get(refusal.path.slice(1))
  const path = attribute === undefined ? `/data${refusal.path}` : `/${attribute}`
  return new Refusal(refusal.code, path, refusal.detail)
}

/** What is wrong with the attributes that are not usage fields. */
function envelopeProblem(item: JsonObject): Refusal | null {
  const { specversion, type, source, datacontenttype } = item as { [name: string]: unknown }
  if (specversion !== '1.0') return new Refusal('unsupported_event', '/specversion', 'Must be "1.0".')
  if (type !== CLOUDEVENT_TYPE)
    return new Refusal('unsupported_event', '/type', `Must be "${CLOUDEVENT_TYPE}".`)
  if (typeof source !== 'string' || source === '') {
    return new Refusal('missing', '/source', 'Is required: a URI reference that names who sends.')
  }
  const isJson = typeof datacontenttype === 'string' && JSON_MEDIA_TYPE.test(datacontenttype)
  if (datacontenttype !== undefined && datacontenttype !== null && !isJson) {
    return new Refusal('unsupported_event', '/datacontenttype', 'Must be application/json, or absent.')
  }
  for (const name in item) {
    if (ATTRIBUTES.has(name)) {
      if (typeof item[name] === 'string' && !item[name].isWellFormed()) return loneSurrogate(name)
    } else {
      const refusal = extensionProblem(name, item[name])
      if (refusal !== null) return refusal
    }
  }
  return null
}

function extensionProblem(name: string, value: unknown): Refusal | null {
  if (name === 'data_base64') {
    return new Refusal(
      'unsupported_event',
      '/data_base64',
      'Is not taken: put the fields into "data" as JSON.',
    )
  }
  if (!EXTENSION_NAME.test(name)) return unknownField(name)
  if (typeof value === 'object' && value !== null) {
    return new Refusal(
      'wrong_type',
      jsonPointer(name),
      'An extension attribute is a string, a whole number or a boolean.',
    )
  }
  return typeof value === 'string' && !value.isWellFormed() ? loneSurrogate(name) : null
}

function loneSurrogate(name: string): Refusal {
  return new Refusal('invalid_text', jsonPointer(name), 'Holds a lone surrogate.')
}

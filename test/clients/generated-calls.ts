import assert from 'node:assert/strict'
import { OPERATOR, OWN_NODE, PATH_PARAMETERS } from '../support/servers/both-servers.ts'
import type { OpenApiDocument, OpenApiOperation } from '../support/oracles/openapi-check.ts'

/** The call that a generated client must make, in a form that programs of every language can read. */
export interface Call {
  readonly operationId: string
  /** In small letters. */
  readonly method: string
  readonly path: string
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly value: string }[]
  readonly body?: unknown
}

/** How it read the answer. */
export interface Answer {
  readonly operationId: string
  readonly status?: number
  /** The name of the generated model, or `list`, `text`, `object` (with any members) or `nothing`. */
  readonly type?: string
  /** The value as the client writes it again. */
  readonly value?: unknown
  readonly error?: string
}

/** Values for one operation only. */
export interface Own {
  readonly parameters?: Readonly<Record<string, string>>
  readonly body?: unknown
}

const JSON_TYPE = 'application/json'
const REFERENCE = '#/components/schemas/'

/** A call of every operation of a document: first those that change nothing, which answer all clients alike. */
export function callsOf(
  document: OpenApiDocument,
  nowMs: number,
  owns: Readonly<Record<string, Own>>,
): readonly Call[] {
  const calls = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): Call => {
      const { operationId = '', requestBody } = operation
      const own = owns[operationId]
      const content = requestBody?.content[JSON_TYPE]
      const body = content && (own?.body ?? new Minimal(document, nowMs).of(content.schema))
      const parameters = parametersOf(operation, own)
      return { operationId, method, path, parameters, body }
    }),
  )
  return calls.toSorted((left, right) => Number(left.method !== 'get') - Number(right.method !== 'get'))
}

function parametersOf({ parameters = [] }: OpenApiOperation, own: Own | undefined): Call['parameters'] {
  return parameters
    .filter(({ name, required }) => required === true || name === 'node_id')
    .map(({ name, in: place }) => {
      const value = own?.parameters?.[name] ?? (name === 'node_id' ? OWN_NODE : PATH_PARAMETERS[name])
      assert.ok(value !== undefined, `${name} is new here: what stands for it?`)
      return { name, in: place, value }
    })
}

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly minimum?: number
  readonly exclusiveMinimum?: number
}

const NAMED: Readonly<Record<string, string>> = { node_id: OWN_NODE, operator_id: OPERATOR }

/** The smallest value that a schema accepts. */
class Minimal {
  readonly #document: OpenApiDocument
  readonly #nowMs: number

  constructor(document: OpenApiDocument, nowMs: number) {
    this.#document = document
    this.#nowMs = nowMs
  }

  of(schema: Schema, name = ''): unknown {
    const { $ref, anyOf, enum: words, type, format, minimum = 1, exclusiveMinimum = 0 } = schema
    const found = $ref && this.#document.components?.schemas?.[$ref.replace(REFERENCE, '')]
    if (found) return this.of(found, name)
    if (words !== undefined) return words[0]
    if (anyOf?.[0] !== undefined) return this.of(anyOf[0], name)
    switch ([type].flat()[0]) {
      case 'object':
        return this.#object(schema)
      case 'array':
        return []
      case 'string':
        return format === 'date-time' ? new Date(this.#nowMs).toISOString() : (NAMED[name] ?? 'one')
      case 'boolean':
        return true
      default:
        return Math.max(minimum, exclusiveMinimum + 1)
    }
  }

  #object({ required = [], properties = {} }: Schema): unknown {
    return Object.fromEntries(required.map((name) => [name, this.of(properties[name] ?? {}, name)]))
  }
}

/** The type that an answer of this status must have. */
export function typeOf(document: OpenApiDocument, { path, method }: Call, status: number): string {
  const response = document.paths[path]?.[method]?.responses[status]
  assert.ok(response !== undefined, `${method} ${path}: ${status} is not in the document`)
  const schema: Schema | undefined = (
    response.content?.[JSON_TYPE] ?? Object.values(response.content ?? {})[0]
  )?.schema
  const name = schema?.$ref?.replace(REFERENCE, '')
  if (name !== undefined) {
    // In some languages a value with arbitrary members has no model of its own.
    const { properties = {} } = (document.components?.schemas?.[name] ?? {}) as Schema
    return Object.keys(properties).length === 0 ? 'object' : name
  }
  const types: Readonly<Record<string, string>> = { array: 'list', string: 'text', object: 'object' }
  return types[String(schema?.type)] ?? 'nothing'
}

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)$/

/** An answer without what languages write differently: members that are absent, null or an empty list, and times. */
export function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare)
  if (typeof value === 'string' && TIME.test(value)) return Date.parse(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && !(Array.isArray(member) && member.length === 0))
      .map(([name, member]) => [name, bare(member)]),
  )
}

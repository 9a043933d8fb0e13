import assert from 'node:assert/strict'
import { Check, Errors } from 'typebox/schema'

/** The parts of an OpenAPI document with which answers are compared. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly servers?: readonly { readonly url: string }[]
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> }
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
}

export interface OpenApiOperation {
  readonly summary?: string
  readonly operationId?: string
  readonly security?: readonly object[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema?: { readonly type?: unknown }
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: object }>> }
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly content?: Readonly<Record<string, { schema: object }>>
        readonly headers?: Readonly<Record<string, object>>
      }
    >
  >
}

export interface Answer {
  readonly method?: string
  readonly url: string
  readonly statusCode: number
  readonly contentType: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Headers that every answer has. */
const ANY_ANSWER: ReadonlySet<string> = new Set(
  `cache-control connection content-encoding content-length content-security-policy content-type date keep-alive
  origin-agent-cluster referrer-policy vary`.split(/\s+/),
)

const OF_SECURITY = /^(x-|cross-origin-)/

/** The operation that a URL belongs to, by the document's paths. */
function operationOf(document: OpenApiDocument, url: string, method = 'get'): OpenApiOperation | undefined {
  const [path = ''] = url.split('?', 1)
  const found = Object.keys(document.paths).find((pattern) => {
    const expression = pattern.replaceAll(/\{[^}]+\}/g, '[^/]+').replaceAll('.', '\\.')
    return new RegExp(`^${expression}$`).test(path)
  })
  return found === undefined ? undefined : document.paths[found]?.[method]
}

/** Fails unless the document has this status with these headers and this content type, and the body fits its schema. */
export function assertDocumented(document: OpenApiDocument, answer: Answer): void {
  const operation = operationOf(document, answer.url, answer.method)
  assert.ok(operation !== undefined, `${answer.url} is not in the document`)
  const response = operation.responses[String(answer.statusCode)]
  assert.ok(response !== undefined, `${answer.url}: ${answer.statusCode} is not in the document`)
  const [type = ''] = answer.contentType.split(';', 1)
  const undocumented = Object.keys(answer.headers).filter(
    (name) => !ANY_ANSWER.has(name) && !OF_SECURITY.test(name) && response.headers?.[name] === undefined,
  )
  assert.deepEqual(
    undocumented,
    [],
    `${answer.url}: headers of ${answer.statusCode} that are not in the document`,
  )
  const content = response.content?.[type]
  assert.ok(content !== undefined, `${answer.url}: ${answer.statusCode} as ${type} is not in the document`)
  const body: unknown = type.endsWith('json') ? JSON.parse(answer.body) : answer.body
  const schema = resolved(document, content.schema) as object
  if (Check(schema, body)) return
  const [, errors] = Errors(schema, body)
  assert.fail(`${answer.url}: the body does not fit its schema: ${JSON.stringify(errors.slice(0, 5))}`)
}

const REFERENCE = '#/components/schemas/'

/** A schema with its references replaced by what they refer to. */
function resolved({ components }: OpenApiDocument, schema: unknown): unknown {
  const inside = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inside)
    if (typeof value !== 'object' || value === null) return value
    const { $ref } = value as { readonly $ref?: string }
    if ($ref === undefined)
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, inside(member)]))
    const found = components?.schemas?.[$ref.replace(REFERENCE, '')]
    assert.ok(found !== undefined, `${$ref} is not in the document`)
    return inside(found)
  }
  return inside(schema)
}

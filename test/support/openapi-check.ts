import assert from 'node:assert/strict'
import { Check, Errors } from 'typebox/schema'

/** The parts of an OpenAPI document that answers are held against. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
}

export interface OpenApiOperation {
  readonly summary?: string
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>
  >
}

export interface Answer {
  readonly method?: string
  readonly url: string
  readonly statusCode: number
  readonly contentType: string
  readonly body: string
}

/** The operation that a URL belongs to, by the document's paths. */
export function operationOf(
  document: OpenApiDocument,
  url: string,
  method = 'get',
): OpenApiOperation | undefined {
  const [path = ''] = url.split('?', 1)
  const found = Object.keys(document.paths).find((pattern) => {
    const expression = pattern.replaceAll(/\{[^}]+\}/g, '[^/]+').replaceAll('.', '\\.')
    return new RegExp(`^${expression}$`).test(path)
  })
  return found === undefined ? undefined : document.paths[found]?.[method]
}

/** Fails unless the document foresees this status with this content type, and the body fits its schema. */
export function assertDocumented(document: OpenApiDocument, answer: Answer): void {
  const operation = operationOf(document, answer.url, answer.method)
  assert.ok(operation !== undefined, `${answer.url} is not in the document`)
  const response = operation.responses[String(answer.statusCode)]
  assert.ok(response !== undefined, `${answer.url}: ${answer.statusCode} is not in the document`)
  const [type = ''] = answer.contentType.split(';', 1)
  const content = response.content?.[type]
  assert.ok(content !== undefined, `${answer.url}: ${answer.statusCode} as ${type} is not in the document`)
  const body: unknown = type.endsWith('json') ? JSON.parse(answer.body) : answer.body
  if (Check(content.schema, body)) return
  const [, errors] = Errors(content.schema, body)
  assert.fail(`${answer.url}: the body does not fit its schema: ${JSON.stringify(errors.slice(0, 5))}`)
}

import type { OpenApiDocument } from '../support/oracles/openapi-check.ts'
import { typeOf } from './generated-calls.ts'
import type { Call } from './generated-calls.ts'

/** The compiler options for a program with openapi-fetch: as strict as those of its users may be. */
export const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024', 'dom', 'dom.iterable'],
    module: 'nodenext',
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  },
  include: ['*.ts'],
}

/** `Known` fails to compile where a type is unknown; `data` must be assignable to the type that the document names. */
const HEAD = `import createClient from 'openapi-fetch'
import type { components, paths } from './types.ts'

declare const process: { argv: readonly [string, string, string, string] }

type Known<Value> = 0 extends 1 & Value ? never : unknown extends Value ? never : Value

const [, , baseUrl, key] = process.argv
const client = createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${key}\` } })

function say(operationId: string, type: string, asked: { data?: unknown; error?: unknown; response: Response }): void {
  const { data, error, response } = asked
  const value = data ?? error
  const kind = Array.isArray(value) ? 'list' : typeof value === 'string' ? 'text' : value === undefined ? 'nothing' : type
  console.log(JSON.stringify({ operationId, status: response.status, type: kind, value }))
}
`

/**
 * A program that makes the calls as its author would write them, so that the compiler compares each with the generated
 * types: its path, its parameters, its body and the use of its answer.
 */
export function programOf(document: OpenApiDocument, calls: readonly Call[]): string {
  return [HEAD, ...calls.map((call) => callText(document, call))].join('\n')
}

function callText(document: OpenApiDocument, call: Call): string {
  const { operationId, method, path, body } = call
  const params: Record<string, Record<string, string>> = {}
  for (const { name, in: place, value } of call.parameters) (params[place] ??= {})[name] = value
  const options = {
    ...(Object.keys(params).length > 0 && { params }),
    ...(body !== undefined && { body }),
  }
  const success = Object.keys(document.paths[path]?.[method]?.responses ?? {}).find((status) => status < '3')
  const type = typeOf(document, call, Number(success))
  const asked = `await client.${method.toUpperCase()}(${JSON.stringify(path)}, ${parsed(type, options)})`
  return `{
  const asked = ${asked}
  ${typeCheck(type)}
  say(${JSON.stringify(operationId)}, asked.error === undefined ? ${JSON.stringify(type)} : 'Problem', asked)
}`
}

/** Text must be requested as text. */
function parsed(type: string, options: object): string {
  return JSON.stringify(type === 'text' ? { ...options, parseAs: 'text' } : options).replace(
    '"parseAs":"text"',
    'parseAs: "text" as const',
  )
}

function typeCheck(type: string): string {
  if (type === 'nothing') return 'void asked.response'
  const isNamed = /^[A-Z]/.test(type)
  const expected = isNamed
    ? `components['schemas'][${JSON.stringify(type)}]`
    : 'NonNullable<typeof asked.data>'
  return [
    '{',
    '    type Data = Known<NonNullable<typeof asked.data>>',
    `    const named = (value: ${expected}): Data => value`,
    '    void named',
    '  }',
  ].join('\n')
}

import { isJsonObject } from '../../../pipelines/json/json-object.ts'

/** Compares by the rules in test/fixtures/fleet/README.md. */

const TOLERANCE = 1e-6
/** Members that only advise or describe. */
const ADVICE: ReadonlySet<string> = new Set(['notes', 'reason'])

/** Where `actual` is not what `expected` says, as `path: what is wrong`; none where it is. */
export function differences(expected: unknown, actual: unknown, path = ''): string[] {
  const here = path === '' ? 'the document' : path
  if (path === 'warnings') return differentKinds(expected, actual)
  if (expected === null) {
    return actual === null || actual === undefined ? [] : [`${here}: ${text(actual)} instead of null`]
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [`${here}: ${text(actual)} instead of a list`]
    if (actual.length !== expected.length) {
      return [`${here}: ${actual.length} items instead of ${expected.length}`]
    }
    return expected.flatMap((item, index) => differences(item, actual[index], `${path}[${index}]`))
  }
  if (isJsonObject(expected)) {
    if (!isJsonObject(actual)) return [`${here}: ${text(actual)} instead of an object`]
    return Object.entries(expected)
      .filter(([name]) => !ADVICE.has(name))
      .flatMap(([name, value]) => differences(value, actual[name], path === '' ? name : `${path}.${name}`))
  }
  return isSame(expected, actual) ? [] : [`${here}: ${text(actual)} instead of ${text(expected)}`]
}

function isSame(expected: unknown, actual: unknown): boolean {
  if (typeof expected !== 'number' || typeof actual !== 'number') return expected === actual
  return Math.abs(actual - expected) <= TOLERANCE * Math.max(1, Math.abs(expected))
}

function differentKinds(expected: unknown, actual: unknown): string[] {
  const wanted = kindsOf(expected)
  const found = kindsOf(actual)
  return [
    ...[...wanted].filter((kind) => !found.has(kind)).map((kind) => `warnings: ${kind} is missing`),
    ...[...found].filter((kind) => !wanted.has(kind)).map((kind) => `warnings: ${kind} was not expected`),
  ]
}

function kindsOf(warnings: unknown): Set<string> {
  const list: readonly unknown[] = Array.isArray(warnings) ? warnings : []
  return new Set(list.map((warning) => String(warning).split(':', 1)[0] ?? ''))
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}

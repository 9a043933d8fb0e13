import { isJsonObject } from '../../../pipelines/json/json-object.ts'

/** What may name an item of a list: the names by which the same board, fan, pool or card is found in another document. */
const IDENTITIES = ['slot', 'index', 'bus', 'url', 'user', 'vendor_code', 'event_id', 'algorithm'] as const
/** Members that are no measurement: names of items, and counts of samples that were special. */
const NO_MEASUREMENTS: ReadonlySet<string> = new Set([
  'slot',
  'index',
  'bus',
  'priority',
  'restarts',
  'repeats',
  'late',
])

/** Where a document says 0: each place by every path that leads to it. */
function zerosOf(value: unknown): readonly (readonly string[])[] {
  return zeros(value, [''])
}

function zeros(value: unknown, paths: readonly string[]): string[][] {
  if (value === 0) return [[...paths]]
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => {
      const names = [`[${index}]`, ...namesOf(item)]
      return zeros(
        item,
        paths.flatMap((path) => names.map((name) => path + name)),
      )
    })
  }
  if (!isJsonObject(value)) return []
  return Object.entries(value)
    .filter(([name]) => !NO_MEASUREMENTS.has(name))
    .flatMap(([name, member]) =>
      zeros(
        member,
        paths.map((path) => `${path}.${name}`),
      ),
    )
}

function namesOf(item: unknown): string[] {
  if (!isJsonObject(item)) return []
  return IDENTITIES.filter((name) => item[name] !== undefined && item[name] !== null).map(
    (name) => `[${name}=${String(item[name])}]`,
  )
}

/** The zeros of `after` that `before` did not say. */
export function newZeros(before: unknown, after: unknown): string[] {
  const known = new Set(zerosOf(before).flat())
  return zerosOf(after)
    .filter((paths) => !paths.some((path) => known.has(path)))
    .map(([path = '']) => path)
}

import { NumberText } from './number-text.ts'

/** A parsed JSON object about which nothing more is known. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for a JSON object; an array and a `NumberText` are not JSON objects. */
export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  )
}

/** Whether an object has no other names than these. False for anything that is not an object. */
export function hasOnlyNames(item: unknown, known: ReadonlySet<string>): boolean {
  if (!isJsonObject(item)) return false
  for (const name in item) if (!known.has(name)) return false
  return true
}

import { NumberText } from './number-text.ts'

/** A parsed JSON object of which nothing more is known. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for a JSON object, which an array and a `NumberText` are not. */
export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  )
}

/** Whether an object has no other names than these; anything else than an object has none. */
export function hasOnlyNames(item: unknown, known: ReadonlySet<string>): boolean {
  if (!isJsonObject(item)) return false
  for (const name in item) if (!known.has(name)) return false
  return true
}

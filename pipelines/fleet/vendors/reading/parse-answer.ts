import { REPAIRS } from './repairs.ts'
import type { Warnings } from './warnings.ts'

/** The text without its NULs, which old control boards send after it, with a warning under the request's name. */
export function withoutNuls(text: string, request: string, warnings: Warnings): string {
  if (!text.includes('\0')) return text
  warnings.note('nul_stripped', request)
  return text.replaceAll('\0', '')
}

/**
 * The JSON of an answer's text, repaired where that is needed and possible; undefined, with a warning, where it cannot be
 * used. Never throws: the message of a JSON error shows a part of its text.
 */
export function parseAnswer(text: string, request: string, warnings: Warnings): unknown {
  let current = withoutNuls(text, request, warnings)
  const plain = parsed(current)
  if (plain !== undefined) return plain
  for (const repair of REPAIRS) {
    const repaired = repair(current)
    if (repaired === current) continue
    current = repaired
    const value = parsed(current)
    if (value === undefined) continue
    warnings.note('json_repaired', request)
    return value
  }
  warnings.note('answer_unusable', request)
  return undefined
}

/** Undefined, which is no value of JSON, where the text is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

import assert from 'node:assert/strict'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { acceptUsageEvent } from './accept.ts'
import { Refusal } from '../../json/refusal.ts'
import { JsonItems, readJsonItems } from '../../json/json-items.ts'

/** The receipt in the tests of acceptance. */
export const NOW = Date.UTC(2026, 10, 21, 12)
export const MINIMAL = {
  event_id: '01234567-89ab-cdef-0123-456789abcdef',
  node_id: 'node-1',
  model_id: 'llama',
  task_source: 'hive',
  occurred_at: NOW,
}

/** Judges JSON text as the gateway does. */
export function judge(text: string): UsageEvent | Refusal {
  const items = readJsonItems(Buffer.from(text), 1)
  assert.ok(items instanceof JsonItems, text)
  const item = items.read(0)
  return item instanceof Refusal ? item : acceptUsageEvent(item, NOW)
}

/** The minimal event with members replaced or added, each given as JSON text. */
export function event(members: Readonly<Record<string, string>>): string {
  const all: Record<string, string> = {}
  for (const [name, value] of Object.entries(MINIMAL)) all[name] = JSON.stringify(value)
  Object.assign(all, members)
  return `{${Object.entries(all)
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
    .join(',')}}`
}

/** Fails unless the event is accepted. */
export function accepted(members: Readonly<Record<string, string>>): UsageEvent {
  const result = judge(event(members))
  assert.ok(!(result instanceof Refusal), `${JSON.stringify(members)}: ${JSON.stringify(result)}`)
  return result
}

/** Code and path of the refusal. */
export function refused(members: Readonly<Record<string, string>>): string {
  const result = judge(event(members))
  assert.ok(result instanceof Refusal, `${JSON.stringify(members)} was accepted`)
  return `${result.code} ${result.path}`
}

/** The event, and whether an amount of it was rounded. */
export function rounded(members: Readonly<Record<string, string>>): {
  event: UsageEvent
  isRounded: boolean
} {
  const items = readJsonItems(Buffer.from(event(members)), 1) as JsonItems
  const marks = { isRounded: false }
  const result = acceptUsageEvent(items.read(0), NOW, marks)
  assert.ok(!(result instanceof Refusal), `${JSON.stringify(members)}: ${JSON.stringify(result)}`)
  return { event: result, ...marks }
}

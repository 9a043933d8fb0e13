import { schemaIdOf, SCHEMA_ID, usageEventCodec, usageEventsCodec } from './avro.ts'
import type { UsageEvent } from './usage.ts'

/** Whether the schema of a record of usage.metered is one of usage events, many or one, of any version. */
export function holdsUsageEvents(schemaId: number | null): boolean {
  return HOLD_USAGE.has(schemaId)
}

const HOLD_USAGE: ReadonlySet<number | null> = new Set([
  SCHEMA_ID.usageEventsV1,
  SCHEMA_ID.usageEvents,
  SCHEMA_ID.usageEvent,
])

/** The events of a framed record of usage.metered, many or one; throws where it holds no events. */
export function usageEventsIn(framed: Buffer): readonly UsageEvent[] {
  if (schemaIdOf(framed) === SCHEMA_ID.usageEvent) return [usageEventCodec.decode(framed)]
  return usageEventsCodec.decode(framed).events
}

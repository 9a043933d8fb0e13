import { readFileSync } from 'node:fs'
import { SCHEMA_ID } from './avro.ts'

/** What Confluent's serializers get: schemas of usage events by id, and the subject that they look for. */

/** A schema with its text as it is transmitted. */
export interface RegisteredSchema {
  readonly id: number
  readonly schema: string
}

const textOf = (file: string): string =>
  JSON.stringify(JSON.parse(readFileSync(new URL(`avro/${file}.avsc`, import.meta.url), 'utf8')))

/** Every schema that a value of usage.metered may have by its id, for usage events only. */
export const REGISTERED: readonly RegisteredSchema[] = [
  { id: SCHEMA_ID.usageEventsV1, schema: textOf('usage-events.v1') },
  { id: SCHEMA_ID.usageEvents, schema: textOf('usage-events.v2') },
  { id: SCHEMA_ID.usageEvent, schema: textOf('usage-event.v1') },
]

/** The versions of the subject, from 1 on: one event in each record, which a serializer can write without further code. */
export const VERSIONS: readonly number[] = [SCHEMA_ID.usageEvent]

/** A newer schema reads what was written under an older one: fields are only added, with defaults. */
export const COMPATIBILITY = 'BACKWARD'

/** The subject of the values of a topic, as Confluent's TopicNameStrategy names it. */
export function subjectOf(topic: string): string {
  return `${topic}-value`
}

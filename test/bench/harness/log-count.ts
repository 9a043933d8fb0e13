import { readPartition } from '../../../pipelines/kafka/read.ts'
import { SCHEMA_ID, schemaIdOf, usageEventsCodec } from '../../../schemas/avro.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { placeOfId } from '../loads/event-bodies.ts'
import type { EventRun } from '../loads/event-bodies.ts'

/** What the log contains from a run. */
export interface LogCount {
  /** Events of the run that are there at least once. */
  readonly found: number
  /** Copies beyond the first of each. */
  readonly repeated: number
  /** Events that belong to no batch of the run. */
  readonly foreign: number
}

/** Reads usage.metered from its start to its end and counts the events of `batches` batches, one by one. */
export async function countInLog(
  installation: Installation,
  run: EventRun,
  batches: number,
): Promise<LogCount> {
  const runId = Buffer.from(run.runId, 'hex')
  const seen = new Uint8Array(batches * run.eventsPerBatch)
  let found = 0
  let repeated = 0
  let foreign = 0
  const { kafka, topics, partitions } = installation
  for (let partition = 0; partition < partitions; partition++) {
    for await (const records of readPartition({ ...kafka, topic: topics.usageMetered, partition })) {
      for (const { value } of records) {
        if (value === null || schemaIdOf(value) !== SCHEMA_ID.usageEvents) continue
        for (const { event_id } of usageEventsCodec.decode(value).events) {
          const place = placeOfId(event_id, runId)
          const at = place === null ? -1 : (place.batch - run.firstBatch) * run.eventsPerBatch + place.index
          if (at < 0 || at >= seen.length) foreign++
          else if (seen[at] === 1) repeated++
          else {
            seen[at] = 1
            found++
          }
        }
      }
    }
  }
  return { found, repeated, foreign }
}

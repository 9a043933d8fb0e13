import { StoreGate } from '../../pipelines/blocks/store-gate.ts'
import type { StoredMarks } from '../../pipelines/blocks/store-gate.ts'
import { TEST_INSTALLATION } from '../support/memory/stored-marks.ts'
import type { Timeline } from './world/timeline.ts'

/** A decision that waits for the first answer of the store lets time pass. */
export function waitingMarks(marks: StoredMarks, timeline: Timeline): StoredMarks {
  const wait = async (): Promise<void> => {
    timeline.endWork()
    await marks.queried
    await timeline.beginWork()
  }
  return {
    of: (partition) => marks.of(partition),
    get queried() {
      return wait()
    },
  }
}

/** The query of a task before it goes on beside a store that may have come back from a copy. */
export function gateOf(topic: string, partition: number, marks: StoredMarks): StoreGate {
  return new StoreGate({ installationId: TEST_INSTALLATION, topic, partition, marks })
}

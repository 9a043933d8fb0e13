import { isReservedKey, STATE_KEY } from '../../../schemas/avro.ts'
import { readPartition } from '../../../pipelines/kafka/read.ts'
import type { GrowthKafka } from './drain.ts'

/** Whether fleet.state holds a node, or anything of an inventory: a growth does not move fleets yet. */
export async function holdsFleets(
  kafka: GrowthKafka & { readonly topic: string },
  partitions: number,
): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const records of readPartition({ ...kafka, partition })) {
      if (records.some(({ key }) => key !== null && isOfFleet(key.toString('latin1')))) return true
    }
  }
  return false
}

function isOfFleet(key: string): boolean {
  return !isReservedKey(key) || key.startsWith(STATE_KEY.inventory)
}

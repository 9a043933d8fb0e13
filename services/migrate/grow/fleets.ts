import { readPartition } from '../../../pipelines/kafka/read.ts'
import type { GrowthKafka } from './drain.ts'

/** Whether fleet.state holds anything of a node: a growth does not move fleets yet. */
export async function holdsFleets(
  kafka: GrowthKafka & { readonly topic: string },
  partitions: number,
): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const records of readPartition({ ...kafka, partition })) {
      if (records.some(({ key }) => key !== null && !key.toString('latin1').startsWith('!'))) return true
    }
  }
  return false
}

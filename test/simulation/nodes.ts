import { nodesOfPartition } from '../support/records/usage-events.ts'
import { PARTITIONS } from './services.ts'

const NODES_MAX = 3
const NODES = Array.from({ length: PARTITIONS }, (_, partition) =>
  nodesOfPartition(partition, PARTITIONS, NODES_MAX),
)

/** The id of one of a partition's nodes; schedule entries have only its number. */
export const nodeIdOf = (partition: number, node: number): string => NODES[partition]?.[node] ?? ''

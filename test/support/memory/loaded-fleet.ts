import { FleetNodes, PresentFleet } from '../../../services/reader/present/fleet-nodes.ts'

/** The nodes of hosting fleets of a reader whose state is loaded; none, where a test adds none. */
export function loadedFleet(partitions: number, nodes = new FleetNodes(partitions)): PresentFleet {
  return new PresentFleet({ nodes, table: { loaded: true, reach: async () => true } })
}

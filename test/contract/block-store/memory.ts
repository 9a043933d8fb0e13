import type { BlockStore } from '../../../pipelines/load/store.ts'
import { drawSchedule } from '../../simulation/draw-schedule.ts'
import { driven } from '../../simulation/world/driven.ts'
import { StoreClient } from '../../simulation/world/store-client.ts'
import { World } from '../../simulation/world/world.ts'
import type { StoreTarget } from './target.ts'

/** The simulation's store. */
export function openMemoryStore(): StoreTarget {
  const world = new World(drawSchedule(1, []))
  world.heal()
  const client = new StoreClient(world.process('contract'), world.store)
  const down = new World(drawSchedule(1, []))
  down.store.isUp = false
  const unreachable = new StoreClient(down.process('contract'), down.store)
  return {
    store: drivenStore(world, client.blockStore()),
    away: drivenStore(down, unreachable.blockStore()),
    count: async (table, topic) => world.store.rows(table).filter((row) => row['src_topic'] === topic).length,
    close: async () => {},
  }
}

/** The world's time passes while a test waits for it. */
function drivenStore({ timeline }: World, store: BlockStore): BlockStore {
  return {
    loadedSeq: (source) => driven(timeline, store.loadedSeq(source)),
    mark: (source) => driven(timeline, store.mark(source)),
    noteReload: (source, through) => driven(timeline, store.noteReload(source, through)),
    holds: (source, insert) => driven(timeline, store.holds(source, insert)),
    insert: (insert, token) => driven(timeline, store.insert(insert, token)),
  }
}

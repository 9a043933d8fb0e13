import { noFailpoint } from '../../../pipelines/failpoints.ts'
import { drawSchedule } from '../../simulation/draw-schedule.ts'
import { driven } from '../../simulation/world/driven.ts'
import type { SimProcess } from '../../simulation/world/process.ts'
import { openWriter } from '../../simulation/world/producers.ts'
import type { TaskWriter } from '../../../pipelines/task/ports.ts'
import { memoryStateReader } from '../../simulation/world/state-reader.ts'
import { World } from '../../simulation/world/world.ts'
import type { BrokerTarget } from './target.ts'

const TOPICS = { state: 'state', blocks: 'blocks' }

/** The simulation's cluster of this many brokers. */
export function openMemoryCluster(brokers: number): BrokerTarget {
  const schedule = drawSchedule(1, [])
  const world = new World({ ...schedule, settings: { ...schedule.settings, brokers } })
  world.heal()
  const process = world.process('contract')
  const { cluster } = world
  const drive = <T>(work: Promise<T>): Promise<T> => driven(world.timeline, work)
  const log = (topic: string) => cluster.log(topic, 0)
  return {
    topics: TOPICS,
    openWriter: (transactionalId, failpoint = noFailpoint) =>
      drivenWriter(world, openWriter(world, process, transactionalId, failpoint)),
    read: async (topic) => {
      const { lastStable, start } = log(topic)
      return log(topic)
        .committed()
        .filter(({ offset }) => offset >= start && offset < lastStable)
    },
    restore: (through) => drive(restore(world, process, through)),
    range: async (topic) => ({ start: log(topic).start, end: log(topic).lastStable }),
    deleteBefore: async (topic, offset) => log(topic).deleteBefore(offset),
    pass: (ms) => world.timeline.run(world.timeline.nowMs + ms),
    close: async () => {},
  }
}

async function restore(world: World, process: SimProcess, through: bigint) {
  const { cluster } = world
  const { start } = cluster.log(TOPICS.state, 0)
  const reader = memoryStateReader(process, cluster, TOPICS.state, () => 5)
  const records: Parameters<Parameters<typeof reader.read>[2]>[0][] = []
  await reader.read(0, { start, through }, (record) => records.push(record))
  return records
}

function drivenWriter(world: World, writer: TaskWriter): TaskWriter {
  return { commit: (records) => driven(world.timeline, writer.commit(records)), close: () => writer.close() }
}

import { noFailpoint } from '../../../pipelines/failpoints.ts'
import type { LogProducer } from '../../../pipelines/log/producer.ts'
import { Unanswered } from '../../../pipelines/kafka/produce/wire.ts'
import type { ProduceWire } from '../../../pipelines/kafka/produce/wire.ts'
import { sameWire } from '../../simulation/world/careless-wire.ts'
import { drawSchedule } from '../../simulation/draw-schedule.ts'
import { Driver } from '../../simulation/world/driven.ts'
import { openProducer, openWriter } from '../../simulation/world/producers.ts'
import { PARTITIONS } from '../../simulation/services.ts'
import { World } from '../../simulation/world/world.ts'
import type { ProducingTarget } from './target.ts'

const TOPIC = 'producing'
/** The times of a near network and near replicas; moves and sends overlap. */
const SETTINGS = { latencyMs: 30, replicaMs: 20, newsMs: 40, markerMs: 20 }
/** A move comes while requests that were sent at the same time are under way. */
const MOVE_AFTER_MS = 5

/** The simulation's cluster of this many brokers, for producers. */
export function openMemoryProducing(brokers: number): ProducingTarget {
  const schedule = drawSchedule(1, [])
  const world = new World({ ...schedule, settings: { ...schedule.settings, ...SETTINGS, brokers } })
  const process = world.process('contract')
  const { cluster, timeline } = world
  const driver = new Driver(timeline)
  const answers = { toLose: 0, delayMs: 0 }
  world.wrapWire = (wire) => withAnswers(wire, answers, (ms) => process.clock.delay(ms))
  return {
    topic: TOPIC,
    partitions: PARTITIONS,
    openProducer: () => driven(driver, openProducer(world, process, TOPIC)),
    openWriter: (transactionalId) => {
      const writer = openWriter(world, process, transactionalId, noFailpoint)
      return {
        commit: (records) => driver.drive(writer.commit(records)),
        close: () => writer.close(),
      }
    },
    read: async (partition) => {
      const log = cluster.log(TOPIC, partition)
      return log.committed().filter(({ offset }) => offset < log.lastStable)
    },
    loseAnswers: (count) => {
      answers.toLose = count
    },
    delayAnswers: (ms) => {
      answers.delayMs = ms
    },
    moveLeader:
      brokers === 1
        ? null
        : (partition) =>
            driver.drive(
              process.clock
                .delay(MOVE_AFTER_MS)
                .then(() => cluster.brokers.move(cluster.partition(TOPIC, partition).name)),
            ),
    pass: (ms) => driver.drive(process.clock.delay(ms)),
    close: async () => {},
  }
}

function driven(driver: Driver, producer: LogProducer): LogProducer {
  return {
    appendEach: (records) =>
      new Map(
        Array.from(producer.appendEach(records), ([partition, acknowledged]) => [
          partition,
          driver.drive(acknowledged),
        ]),
      ),
    append: (records) => driver.drive(producer.append(records)),
    stop: () => driver.drive(producer.stop()),
  }
}

/** A wire whose answers to sends are lost after the broker has done them, or late. */
function withAnswers(
  wire: ProduceWire,
  answers: { toLose: number; readonly delayMs: number },
  delay: (ms: number) => Promise<void>,
): ProduceWire {
  return {
    ...sameWire(wire),
    produce: async (broker, batches) => {
      const result = await wire.produce(broker, batches)
      if (answers.delayMs > 0) await delay(answers.delayMs)
      if (answers.toLose-- > 0) throw new Unanswered('the answer is lost', true)
      return result
    },
  }
}

import { latestOffset } from '../../../support/servers/kafka-wire.ts'
import { until } from '../../../support/until.ts'
import { KILLED_BOUND_MS, untilFailedOver } from '../../harness/failover.ts'
import { NO_BOUND } from '../../harness/fault.ts'
import type { Fault } from '../../harness/fault.ts'
import { BROKER_PORT } from '../../harness/fleet-kafka.ts'
import { Member } from '../../harness/member.ts'
import { openTransactions } from './kafka-broker.ts'

/** How long a broker that came back may take to have all records. */
export const INSYNC_MS_MAX = 180_000

const DOWN_MS = 10_000

/** By Kafka's default a leader waits 30 s for a silent follower, and checks at half of that interval. */
const SHRUNK_MS_MAX = 90_000
const ALONE_MS = 8_000

/** All brokers are stopped and started in order, one after the other, each once the one before has all records again. */
export const brokersRestartedInTurn: Fault = {
  name: 'brokers-restarted-in-turn',
  lanes: ['world'],
  needs: 'several brokers',
  weight: 2,
  strike: async ({ fleet }) => {
    const open = await openTransactions(fleet)
    for (const broker of fleet.kafka.brokers) {
      await broker.stop()
      await broker.start()
      await fleet.kafka.untilInsync(INSYNC_MS_MAX)
    }
    return { openTransactions: open, runningInserts: 0, outage: NO_BOUND }
  },
}

/** Two of three die: nothing can be acknowledged until one is back. */
export const twoBrokersDown: Fault = {
  name: 'two-brokers-down',
  lanes: ['world'],
  needs: 'several brokers',
  strike: async ({ fleet, dice }) => {
    const open = await openTransactions(fleet)
    const left = dice.pick(fleet.kafka.brokers)
    const down = fleet.kafka.othersThan(left)
    await Promise.all(down.map((broker) => broker.kill()))
    await Member.wait(DOWN_MS)
    await Promise.all(down.map((broker) => broker.start()))
    return { openTransactions: open, runningInserts: 0, outage: NO_BOUND }
  },
}

/** A leader gets no fetch from its followers until it is the only one in sync: it may acknowledge nothing. */
export const insyncShrunkToOne: Fault = {
  name: 'insync-replicas-shrunk-to-one',
  lanes: ['world'],
  needs: 'links',
  strike: async ({ fleet }) => {
    const { kafka, installation } = fleet
    if (kafka.network === undefined) throw new Error(`no link can be cut: ${kafka.whyNoNetwork}`)
    const open = await openTransactions(fleet)
    const topic = installation.topics.usageMetered
    const place = (await kafka.picture()).partitions.find((one) => one.topic === topic)
    const leader = kafka.brokers.find(({ id }) => id === place?.leader)
    if (place === undefined || leader === undefined) throw new Error(`no leader of ${topic}`)
    // Followers fetch their records on this port; the controllers still reach each other.
    for (const peer of kafka.othersThan(leader)) {
      await kafka.network.cut(peer.id - 1, leader.id - 1, BROKER_PORT)
    }
    const partition = place.partition
    await until(`${topic}[${partition}] to have one replica in sync`, SHRUNK_MS_MAX, async () => {
      const now = (await kafka.picture()).partitions
      const { insync = [] } = now.find((one) => one.topic === topic && one.partition === partition) ?? {}
      return insync.length === 1 && insync[0] === leader.id
    })
    const before = await latestOffset(leader.address, topic, partition, false)
    await Member.wait(ALONE_MS)
    const after = await latestOffset(leader.address, topic, partition, false)
    if (after !== before) throw new Error(`${topic}[${partition}] took records with one replica in sync`)
    await kafka.network.heal()
    return { openTransactions: open, runningInserts: 0, outage: NO_BOUND }
  },
}

/** A broker dies with its disk; another with an empty disk takes its place. */
export const brokerReplaced: Fault = {
  name: 'broker-replaced-with-an-empty-disk',
  lanes: ['world'],
  needs: 'several brokers',
  strike: async ({ fleet, dice }) => {
    const open = await openTransactions(fleet)
    const broker = dice.pick(fleet.kafka.brokers)
    await broker.kill()
    const failoverMs = await untilFailedOver(fleet.kafka, broker)
    await broker.wipe()
    await broker.start()
    await fleet.kafka.untilInsync(INSYNC_MS_MAX)
    return {
      openTransactions: open,
      runningInserts: 0,
      outage: { failoverMs, boundMs: KILLED_BOUND_MS },
    }
  },
}

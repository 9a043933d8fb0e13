import { systemClock } from '../../../../pipelines/clock.ts'
import type { BrokerNetwork } from '../../../support/servers/broker-network.ts'
import { boundAfter, untilFailedOver } from '../../harness/failover.ts'
import { NO_BOUND } from '../../harness/fault.ts'
import type { Fault, FaultContext, OutageBound } from '../../harness/fault.ts'
import type { FaultBroker, FleetKafka } from '../../harness/fleet-kafka.ts'
import { Member } from '../../harness/member.ts'
import { openTransactions } from './kafka-broker.ts'

const CUT_MS = 30_000

/** The network of the brokers, and a broker to be cut off: sometimes the one that leads most. */
async function chosen({
  fleet,
  dice,
}: FaultContext): Promise<{ network: BrokerNetwork; broker: FaultBroker }> {
  const { kafka, installation } = fleet
  if (kafka.network === undefined) throw new Error(`no link can be cut: ${kafka.whyNoNetwork}`)
  const broker = dice.next() < 0.5 ? await kafka.leadingMost(installation.prefix) : dice.pick(kafka.brokers)
  return { network: kafka.network, broker }
}

function cutOff(
  name: string,
  cut: (
    network: BrokerNetwork,
    kafka: FleetKafka,
    broker: FaultBroker,
    context: FaultContext,
  ) => Promise<void>,
  bound: (kafka: FleetKafka, broker: FaultBroker) => Promise<OutageBound>,
): Fault {
  return {
    name,
    lanes: ['world'],
    needs: 'links',
    strike: async (context) => {
      const { fleet } = context
      const open = await openTransactions(fleet)
      const { network, broker } = await chosen(context)
      const startMs = systemClock.monotonicMs()
      await cut(network, fleet.kafka, broker, context)
      const outage = await bound(fleet.kafka, broker)
      await Member.wait(Math.max(0, CUT_MS - (systemClock.monotonicMs() - startMs)))
      await network.heal()
      return { openTransactions: open, runningInserts: 0, outage }
    },
  }
}

const failedOver = async (kafka: FleetKafka, broker: FaultBroker): Promise<OutageBound> =>
  boundAfter(await untilFailedOver(kafka, broker))

/** Clients reach it, its peers do not: it still regards itself as the leader. */
export const cutOffFromPeers = cutOff(
  'broker-cut-off-from-its-peers',
  async (network, kafka, broker) => {
    for (const peer of kafka.othersThan(broker)) {
      await network.cut(peer.id - 1, broker.id - 1)
      await network.cut(broker.id - 1, peer.id - 1)
    }
  },
  failedOver,
)

/**
 * Its peers reach it, no client does: Kafka has no reason to move anything, and nothing is promised except that all
 * heals.
 */
export const cutOffFromClients = cutOff(
  'broker-cut-off-from-its-clients',
  async (network, _kafka, broker) => {
    await network.cut('clients', broker.id - 1)
    await network.cut(broker.id - 1, 'clients')
  },
  () => Promise.resolve(NO_BOUND),
)

/** Packets pass in one direction only: it cannot hear its peers, or they cannot hear it. */
export const cutOffOneWay = cutOff(
  'broker-cut-off-in-one-direction',
  async (network, kafka, broker, { dice }) => {
    const hears = dice.next() < 0.5
    for (const peer of kafka.othersThan(broker)) {
      if (hears) await network.cut(broker.id - 1, peer.id - 1)
      else await network.cut(peer.id - 1, broker.id - 1)
    }
  },
  failedOver,
)

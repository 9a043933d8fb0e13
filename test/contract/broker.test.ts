import { after, before, describe } from 'node:test'
import { openKafka } from './broker/kafka.ts'
import { openMemoryCluster } from './broker/memory.ts'
import { openKafkaProducing } from './broker/kafka-producing.ts'
import { openMemoryProducing } from './broker/memory-producing.ts'
import { describeProducing } from './broker/producing.ts'
import { describeRestores } from './broker/restores.ts'
import type { BrokerTarget, ProducingTarget } from './broker/target.ts'
import { OwnCluster, loopbackBrokers } from '../support/servers/own-cluster.ts'
import { describeTransactions } from './broker/transactions.ts'

/*
 * The guarantees that the tasks need, tested on Kafka and on the broker that replaces it in the simulation: if the two
 * answered differently, the simulation would prove nothing.
 */
const WITHOUT_SERVERS = ['HIVEMETER_KAFKA_BROKERS', 'HIVEMETER_CLICKHOUSE_URL'].some(
  (name) => process.env[name] === undefined,
)
  ? 'no servers are named in the environment: npm test -- test/contract/broker.test.ts starts them'
  : false

const CLUSTER_PORT = 26_860

function describeBroker(name: string, skip: string | false, open: () => Promise<BrokerTarget>): void {
  describe(name, { skip }, () => {
    let opened: BrokerTarget | undefined
    const target = (): BrokerTarget => {
      if (opened === undefined) throw new Error('The broker under test is not open.')
      return opened
    }
    before(async () => {
      opened = await open()
    })
    after(() => opened?.close())
    describeTransactions(target)
    describeRestores(target)
  })
}

for (const brokers of [1, 3]) {
  describeBroker(`the cluster in memory, brokers: ${brokers}`, false, async () => openMemoryCluster(brokers))
}
describeBroker('Kafka', WITHOUT_SERVERS, openKafka)

function describeProducers(name: string, skip: string | false, open: () => Promise<ProducingTarget>): void {
  describe(`producing: ${name}`, { skip }, () => {
    let opened: ProducingTarget | undefined
    before(async () => {
      opened = await open()
    })
    after(() => opened?.close())
    describeProducing(() => {
      if (opened === undefined) throw new Error('The brokers under test are not open.')
      return opened
    })
  })
}

for (const brokers of [1, 3]) {
  describeProducers(`the cluster in memory, brokers: ${brokers}`, false, async () =>
    openMemoryProducing(brokers),
  )
}

describeProducers('Kafka', WITHOUT_SERVERS, () =>
  openKafkaProducing((process.env['HIVEMETER_KAFKA_BROKERS'] ?? '').split(',')),
)

describe('three brokers', () => {
  let cluster: OwnCluster | undefined
  before(async () => {
    cluster = await OwnCluster.start({ brokers: loopbackBrokers(CLUSTER_PORT) })
  })
  after(() => cluster?.dispose())
  describeProducers('three Kafka brokers', false, () => openKafkaProducing(cluster?.brokers ?? []))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '../../pipelines/random.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { OwnCluster, loopbackBrokers } from '../support/servers/own-cluster.ts'

const PORT = 26_840

test('three brokers form a cluster, and one of them comes back after a clean stop', async () => {
  const cluster = await OwnCluster.start({ brokers: loopbackBrokers(PORT) })
  try {
    const kafka = {
      brokers: cluster.brokers,
      clientId: 'hivemeter-test-cluster',
      logger: silentLogger,
      clock: systemClock,
      random: systemRandom,
    }
    const brokerIds = async (): Promise<number[]> =>
      await withAdmin(kafka, async (admin) =>
        (await admin.describeCluster()).brokers
          .map(({ nodeId }) => nodeId)
          .toSorted((left, right) => left - right),
      )
    assert.deepEqual(await brokerIds(), cluster.ids)
    await cluster.stop(2)
    await cluster.start(2)
    assert.deepEqual(await brokerIds(), cluster.ids)
  } finally {
    await cluster.dispose()
  }
})

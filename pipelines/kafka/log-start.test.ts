import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../test/support/virtual-clock.ts'
import { silentLogger } from '../logger.ts'
import { LOG_START_TIMEOUT_MS, LogStarts } from './log-start.ts'
import { BrokerConnections } from './produce/broker-connections.ts'
import { Unanswered } from './produce/wire.ts'

const METADATA = {
  brokers: [{ nodeId: 1, host: 'h', port: 1 }],
  topicMetadata: [{ partitionMetadata: [{ partitionId: 3, leader: 1 }] }],
}

function opened() {
  const clock = new VirtualClock()
  return { clock, starts: new LogStarts({ brokers: ['h:1'], clientId: 'c', logger: silentLogger, clock }) }
}

test('the leader of the partition is asked, again while it is not the leader', async (t) => {
  const { starts } = opened()
  t.mock.method(BrokerConnections.prototype, 'askAny', async () => METADATA)
  const codes = [6, 0]
  const ask = t.mock.method(BrokerConnections.prototype, 'ask', async () => ({
    responses: [{ partitions: [{ errorCode: codes.shift() ?? 0, offset: '42' }] }],
  }))
  assert.equal(await starts.of('t', 3), 42n)
  assert.equal(ask.mock.callCount(), 2)
})

test('by its deadline it says what kept it', async (t) => {
  const { clock, starts } = opened()
  t.mock.method(BrokerConnections.prototype, 'askAny', async () => {
    throw new Unanswered('nobody answers', false)
  })
  const startMs = clock.monotonicMs()
  await assert.rejects(starts.of('t', 3), /t\[3\] begins: nobody answers/)
  assert.ok(clock.monotonicMs() - startMs <= LOG_START_TIMEOUT_MS)
})

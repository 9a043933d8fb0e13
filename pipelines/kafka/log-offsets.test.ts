import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '../random.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { silentLogger } from '../logger.ts'
import { LOG_OFFSET_TIMEOUT_MS, LogOffsets } from './log-offsets.ts'
import { BrokerConnections } from './kafkajs/broker-connections.ts'
import { Unanswered } from './produce/wire.ts'

const METADATA = {
  brokers: [{ nodeId: 1, host: 'h', port: 1 }],
  topicMetadata: [{ partitionMetadata: [{ partitionId: 3, leader: 1 }] }],
}

function opened() {
  const clock = new VirtualClock()
  const kafka = { brokers: ['h:1'], clientId: 'c', logger: silentLogger, clock, random: systemRandom }
  return { clock, offsets: new LogOffsets(kafka) }
}

test('the leader of the partition is asked, again while it is not the leader', async (t) => {
  const { offsets } = opened()
  t.mock.method(BrokerConnections.prototype, 'askEach', async () => ({ answers: [METADATA], queried: 1 }))
  const codes = [6, 0]
  const ask = t.mock.method(BrokerConnections.prototype, 'ask', async () => ({
    responses: [{ partitions: [{ errorCode: codes.shift() ?? 0, offset: '42' }] }],
  }))
  assert.equal(await offsets.startOf('t', 3), 42n)
  assert.equal(ask.mock.callCount(), 2)
})

test('the end is the farthest that a leader says, by the word of at least half of the brokers', async (t) => {
  const { offsets } = opened()
  const led = (leader: number) => ({
    ...METADATA,
    topicMetadata: [{ partitionMetadata: [{ partitionId: 3, leader }] }],
  })
  // The broker that was replaced considers itself the leader; the real leader does not answer at first.
  t.mock.method(BrokerConnections.prototype, 'askEach', async () => ({
    answers: [led(1), led(2)],
    queried: 3,
  }))
  let isAway = true
  t.mock.method(
    BrokerConnections.prototype,
    'ask',
    async (leader: number, _name: string, request: object) => {
      const { topics } = request as { topics: [{ partitions: [{ timestamp: number }] }] }
      const isStart = topics[0].partitions[0].timestamp === -2
      if (leader === 2 && isAway) {
        isAway = false
        throw new Unanswered('it is silent', true)
      }
      return {
        responses: [{ partitions: [{ errorCode: 0, offset: isStart ? '5' : leader === 1 ? '42' : '99' }] }],
      }
    },
  )
  assert.deepEqual(await offsets.rangeOf('t', 3), { start: 5n, end: 99n })
  // A broker that knows that it does not lead is not waited for.
  t.mock.method(BrokerConnections.prototype, 'ask', async (leader: number) => ({
    responses: [{ partitions: [{ errorCode: leader === 1 ? 6 : 0, offset: '99' }] }],
  }))
  t.mock.method(BrokerConnections.prototype, 'askEach', async () => ({
    answers: [led(2), led(1)],
    queried: 3,
  }))
  assert.deepEqual(await offsets.rangeOf('t', 3), { start: 99n, end: 99n })
})

test('the word of fewer than half of the brokers is none', async (t) => {
  const { offsets } = opened()
  t.mock.method(BrokerConnections.prototype, 'askEach', async () => ({ answers: [METADATA], queried: 3 }))
  t.mock.method(BrokerConnections.prototype, 'ask', async () => ({
    responses: [{ partitions: [{ errorCode: 0, offset: '5' }] }],
  }))
  await assert.rejects(offsets.rangeOf('t', 3), /only 1 of 3 brokers said who leads/)
})

test('by its deadline it says what kept it', async (t) => {
  const { clock, offsets } = opened()
  t.mock.method(BrokerConnections.prototype, 'askEach', async () => {
    throw new Unanswered('nobody answers', false)
  })
  const startMs = clock.monotonicMs()
  await assert.rejects(offsets.startOf('t', 3), /t\[3\] begins or ends: nobody answers/)
  assert.ok(clock.monotonicMs() - startMs <= LOG_OFFSET_TIMEOUT_MS)
})

test('a time after the last record is the end', async (t) => {
  const { offsets } = opened()
  const asked: unknown[] = []
  const answers: Readonly<Record<string, string>> = { '-2': '5', '-1': '42', '1000': '17', '2000': '-1' }
  t.mock.method(
    BrokerConnections.prototype,
    'ask',
    async (_leader: number, _name: string, request: object) => {
      const { topics } = request as { topics: [{ partitions: [{ timestamp: number }] }] }
      const [{ timestamp }] = topics[0].partitions
      asked.push(timestamp)
      return { responses: [{ partitions: [{ errorCode: 0, offset: answers[String(timestamp)] ?? '0' }] }] }
    },
  )
  t.mock.method(BrokerConnections.prototype, 'askEach', async () => ({ answers: [METADATA], queried: 1 }))
  assert.equal(await offsets.at('t', 3, 1_000), 17n)
  assert.equal(await offsets.at('t', 3, 2_000), 42n)
  assert.deepEqual(await offsets.rangeOf('t', 3), { start: 5n, end: 42n })
  assert.deepEqual(asked, [1_000, 2_000, -1, -2, -1])
})

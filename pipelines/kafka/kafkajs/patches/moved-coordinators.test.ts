import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { systemClock } from '../../../clock.ts'
import '../client.ts'
import { HEARTBEAT_TIMEOUT_MS } from './moved-coordinators.ts'

interface Group {
  heartbeat: (options: { readonly interval: number }) => Promise<void>
  leave: () => Promise<void>
  readonly coordinator: unknown
  readonly offsetManager: { readonly coordinator: unknown }
}
type Coordinator = ReturnType<typeof coordinatorAt>

const ConsumerGroup = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup.js') as new (
  options: object,
) => Group
const EACH = { interval: 0 }

const named = (name: string, more: object = {}): Error => Object.assign(new Error(name), { name, ...more })
const answered = (type: string): Error =>
  Object.assign(named('KafkaJSProtocolError', { type }), { message: type })
const refused = named('KafkaJSConnectionError', { code: 'ECONNREFUSED' })

const NODE_IDS: Readonly<Record<string, number>> = { one: 1, two: 2 }

/**
 * A broker that gives these answers to heartbeats, one after the other, and the last one from then on. Undefined: it never
 * answers, until its connection is left.
 */
function coordinatorAt(host: string, ...answers: (Error | 'well' | undefined)[]) {
  const waiting: ((error: Error) => void)[] = []
  const connection = {
    broker: `${host}:9092`,
    rejectRequests: (error: Error) => waiting.splice(0).forEach((reject) => reject(error)),
    disconnect: async () => true,
  }
  return {
    beats: 0,
    nodeId: NODE_IDS[host] ?? 0,
    brokerAddress: `${host}:9092`,
    connectionPool: { host, port: 9_092, pool: [connection] },
    async heartbeat(): Promise<void> {
      this.beats++
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      if (answer instanceof Error) throw answer
      if (answer === undefined) await new Promise((_, reject) => waiting.push(reject))
    },
    async leaveGroup(): Promise<void> {},
  }
}

/** A member that has joined at `first`; a broker that is queried says that the group's coordinator is `next`, or fails. */
function memberAt(first: Coordinator, next: () => Coordinator, sessionTimeout = 10_000) {
  const seen: string[] = []
  let named: Coordinator | undefined
  const member = new ConsumerGroup({
    retry: {},
    groupId: 'loader',
    sessionTimeout,
    topics: [],
    topicConfigurations: {},
    logger: { namespace: () => ({ info() {}, debug() {}, warn() {}, error() {} }) },
    instrumentationEmitter: { emit: () => seen.push('heartbeat') },
    cluster: {
      removeBroker: ({ host }: { host: string }) => seen.push(`forgets ${host}`),
      findGroupCoordinatorMetadata: async () => {
        seen.push('asks')
        named = next()
        return { coordinator: named }
      },
      findBroker: async () => named,
    },
    assigners: [],
  })
  return {
    seen,
    member: Object.assign(member, {
      memberId: 'member',
      generationId: 7,
      lastRequest: 0,
      coordinator: first,
      offsetManager: { coordinator: first },
    }),
  }
}

/** Beats, as a consumer does with every fetch, until `isDone` or an error. */
async function beatUntil(member: Group, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await member.heartbeat(EACH)
    await systemClock.delay(10)
  }
}

for (const error of [refused, answered('NOT_COORDINATOR_FOR_GROUP'), answered('GROUP_LOAD_IN_PROGRESS')]) {
  test(`a member follows its coordinator under its name and generation: ${error.message}`, async () => {
    const successor = coordinatorAt('two', answered('GROUP_LOAD_IN_PROGRESS'), 'well')
    const { member, seen } = memberAt(coordinatorAt('one', error), () => successor)
    await beatUntil(member, () => seen.includes('heartbeat'))
    const forgets = 'type' in error ? [] : ['forgets one']
    assert.deepEqual(seen, [...forgets, 'asks', 'asks', 'heartbeat', 'heartbeat'])
    assert.equal(member.coordinator, successor)
    assert.equal(member.offsetManager.coordinator, successor, 'offsets are committed there too')
    await member.heartbeat(EACH)
    assert.equal(successor.beats, 4)
    assert.equal(seen.at(-1), 'asks', 'from now and then on, whether it coordinates still')
  })
}

test('a heartbeat without an answer is waited for HEARTBEAT_TIMEOUT_MS, and not by those that come after it', async () => {
  const successor = coordinatorAt('two', 'well')
  const { member } = memberAt(coordinatorAt('one', undefined), () => successor)
  const startMs = systemClock.monotonicMs()
  await member.heartbeat(EACH)
  const tookMs = systemClock.monotonicMs() - startMs
  assert(tookMs >= HEARTBEAT_TIMEOUT_MS - 50 && tookMs < 2 * HEARTBEAT_TIMEOUT_MS, `${tookMs} ms`)
  await beatUntil(member, () => successor.beats >= 2)
})

for (const type of ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS']) {
  test(`what ends a membership stays what it is: ${type}`, async () => {
    const { member, seen } = memberAt(coordinatorAt('one', answered(type)), () =>
      coordinatorAt('two', 'well'),
    )
    await assert.rejects(member.heartbeat(EACH), { type })
    assert.deepEqual(seen, [])
    const moved = memberAt(coordinatorAt('one', refused), () => coordinatorAt('two', answered(type)))
    await assert.rejects(
      beatUntil(moved.member, () => false),
      { type },
      'from the successor too',
    )
    assert.deepEqual(moved.seen, ['forgets one', 'asks'])
  })
}

test('a member that finds no coordinator for a session joins anew', async () => {
  const { member } = memberAt(
    coordinatorAt('one', refused),
    () => {
      throw named('KafkaJSNumberOfRetriesExceeded', { cause: refused })
    },
    300,
  )
  await assert.rejects(
    beatUntil(member, () => false),
    { type: 'REBALANCE_IN_PROGRESS' },
  )
})

test('a search that gets no answer at all ends with the session too', async () => {
  const { member } = memberAt(coordinatorAt('one', refused), () => coordinatorAt('two', 'well'), 300)
  Object.assign((member as unknown as { cluster: object }).cluster, {
    findGroupCoordinatorMetadata: () => new Promise(() => {}),
  })
  await assert.rejects(
    beatUntil(member, () => false),
    { type: 'REBALANCE_IN_PROGRESS' },
  )
})

test('a member that has left, or joined anew, searches no more', async () => {
  for (const end of [
    (group: Group) => group.leave(),
    async (group: Group) => Object.assign(group, { generationId: 8 }),
  ]) {
    const successor = coordinatorAt('two', 'well')
    const found = Promise.withResolvers<Coordinator>()
    const { member, seen } = memberAt(coordinatorAt('one', refused), () => successor)
    Object.assign((member as unknown as { cluster: object }).cluster, { findBroker: () => found.promise })
    await member.heartbeat(EACH)
    await end(member)
    found.resolve(successor)
    await systemClock.delay(10)
    assert.equal(successor.beats, 0)
    assert.deepEqual(seen, ['forgets one', 'asks'])
  }
})

test('a member whose coordinator was replaced and does not know it goes to the one that most brokers name', async () => {
  const replaced = coordinatorAt('one', 'well')
  const successor = coordinatorAt('two', 'well')
  const { member, seen } = memberAt(replaced, () => successor)
  await beatUntil(member, () => successor.beats >= 2)
  assert.equal(member.coordinator, successor)
  assert.equal(seen.includes('forgets one'), false, 'it may lead partitions still')
  const { member: other, seen: asked } = memberAt(successor, () => successor)
  for (let beat = 0; beat < 10; beat++) await other.heartbeat(EACH)
  assert.equal(asked.filter((one) => one === 'asks').length, 1, 'once in COORDINATOR_AGE_MS_MAX')
})

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import '../client.ts'

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/cluster/index.js') as {
  prototype: { findGroupCoordinatorMetadata: (group: object) => Promise<unknown> }
}
const GROUP = { groupId: 'loader', coordinatorType: 0 }

/** A cluster that queries its brokers in this way; undefined is what kafkajs gets where none of them knew the answer. */
const clusterWith = (withBroker: () => Promise<unknown>): typeof prototype =>
  Object.assign(Object.create(prototype) as typeof prototype, { brokerPool: { withBroker, brokers: {} } })

test('a group whose coordinator no broker knows is an error that a consumer outlives', async () => {
  const cluster = clusterWith(async () => undefined)
  await assert.rejects(cluster.findGroupCoordinatorMetadata(GROUP), {
    name: 'KafkaJSGroupCoordinatorNotFound',
    retriable: true,
  })
})

test('a coordinator is told, and other errors stay what they are', async () => {
  assert.equal(await clusterWith(async () => 'broker 1').findGroupCoordinatorMetadata(GROUP), 'broker 1')
  const denied = clusterWith(async () => {
    throw Object.assign(new Error('denied'), { retriable: false })
  })
  await assert.rejects(denied.findGroupCoordinatorMetadata(GROUP), { retriable: false })
})

/** A group whose coordinator gives these answers to the steps into it, one answer for each try. */
function groupWhereJoining(...answers: (Error | null)[]) {
  const { prototype: group } = require('kafkajs/src/consumer/consumerGroup.js') as {
    prototype: Record<symbol, unknown> & { joinAndSync: () => Promise<void> }
  }
  const left = [...answers]
  let joined = 0
  const step = (name: string): symbol => {
    const found = Object.getOwnPropertySymbols(group).find(({ description }) => description === name)
    assert.ok(found !== undefined)
    return found
  }
  const retrier = (require('kafkajs/src/retry/index.js') as (options: object) => unknown)({
    retries: 3,
    initialRetryTime: 1,
    maxRetryTime: 1,
  })
  return {
    group: Object.assign(Object.create(group) as typeof group, {
      retrier,
      cluster: {
        findGroupCoordinator: async () => ({
          joinGroup: async () => {
            const answer = left.shift()
            if (answer instanceof Error) throw answer
            return { members: [] }
          },
        }),
      },
      topics: [],
      assigners: [],
      assigned: () => [],
      instrumentationEmitter: { emit: () => joined++ },
      logger: { info: () => {}, debug: () => {} },
      // The steps after the join do not matter here.
      [step('private:ConsumerGroup:sync')]: async () => {},
    }),
    joins: () => joined,
  }
}

const loading = () =>
  Object.assign(new Error('The coordinator is loading'), { type: 'GROUP_LOAD_IN_PROGRESS', retriable: true })

test('a join is tried again while the coordinator loads the group', async () => {
  const { group, joins } = groupWhereJoining(loading(), loading(), null)
  await group.joinAndSync()
  assert.equal(joins(), 1)
})

test('where the coordinator never has it loaded, the consumer is told to start anew', async () => {
  const { group, joins } = groupWhereJoining(...Array.from({ length: 9 }, loading))
  // With an error of this kind kafkajs starts a consumer anew; with a retriable one it would continue without being a
  // member.
  await assert.rejects(group.joinAndSync(), { name: 'KafkaJSNumberOfRetriesExceeded', retriable: false })
  assert.equal(joins(), 0)
})

test('a join that is refused for good fails at once', async () => {
  const denied = Object.assign(new Error('denied'), { type: 'GROUP_AUTHORIZATION_FAILED', retriable: false })
  const { group } = groupWhereJoining(denied, null)
  await assert.rejects(group.joinAndSync(), { type: 'GROUP_AUTHORIZATION_FAILED' })
})

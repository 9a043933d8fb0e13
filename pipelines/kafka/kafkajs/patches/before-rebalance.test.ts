import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import '../client.ts'

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/consumer/consumerGroup.js') as {
  prototype: Record<symbol, () => Promise<void>> & { leave: () => Promise<void> }
}
const join = Object.getOwnPropertySymbols(prototype).find(({ description }) =>
  description?.endsWith('ConsumerGroup:join'),
)

/** A group of one member with work under way, and what happened in order. */
function memberAtWork() {
  const happened: string[] = []
  const work = Promise.withResolvers<void>()
  const coordinator = {
    joinGroup: async () => {
      happened.push('joined')
      return { members: [] }
    },
    leaveGroup: async () => {
      happened.push('left')
    },
  }
  const group = Object.assign(Object.create(prototype) as typeof prototype, {
    memberId: 'member-1',
    coordinator,
    cluster: { findGroupCoordinator: async () => coordinator },
    assigners: [
      {
        protocol: () => ({ name: 'one', metadata: Buffer.alloc(0) }),
        settled: async () => {
          await work.promise
          happened.push('settled')
        },
      },
    ],
  })
  return { group, happened, finish: () => work.resolve() }
}

test('a consumer joins again only after what it has under way', async () => {
  const { group, happened, finish } = memberAtWork()
  assert.ok(join !== undefined)
  const joining = group[join]?.()
  await new Promise(setImmediate)
  assert.deepEqual(happened, [])
  finish()
  await joining
  assert.deepEqual(happened, ['settled', 'joined'])
})

test('and leaves after it', async () => {
  const { group, happened, finish } = memberAtWork()
  const leaving = group.leave()
  await new Promise(setImmediate)
  assert.deepEqual(happened, [])
  finish()
  await leaving
  assert.deepEqual(happened, ['settled', 'left'])
})

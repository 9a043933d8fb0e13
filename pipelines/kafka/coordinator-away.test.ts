import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import './client.ts'

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/cluster/index.js') as {
  prototype: { findGroupCoordinatorMetadata: (group: object) => Promise<unknown> }
}
const GROUP = { groupId: 'loader', coordinatorType: 0 }

/** A cluster that asks its brokers so; undefined is what kafkajs gets where none of them knew. */
const clusterWith = (withBroker: () => Promise<unknown>): typeof prototype =>
  Object.assign(Object.create(prototype) as typeof prototype, { brokerPool: { withBroker } })

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

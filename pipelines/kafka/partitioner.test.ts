import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import kafkajs from 'kafkajs'
import { partitionOfKey, partitionOfNode } from '../../schemas/ids.ts'

const nodeId = fc.string({
  unit: fc.constantFrom(...Array.from('abcXYZ019._:-')),
  minLength: 1,
  maxLength: 64,
})

test('a node has the partition that kafkajs’ default partitioner gives it', () => {
  const partitioner = kafkajs.Partitioners.DefaultPartitioner()
  const ofKafkajs = (key: Buffer, partitions: number): number =>
    partitioner({
      topic: 'usage.metered',
      message: { key, value: null },
      partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
        partitionErrorCode: 0,
        partitionId,
        leader: 0,
        replicas: [0],
        isr: [0],
      })),
    })
  fc.assert(
    fc.property(nodeId, fc.constantFrom(1, 3, 4, 64), (node, partitions) => {
      assert.equal(partitionOfNode(node, partitions), ofKafkajs(Buffer.from(node), partitions))
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (key) => {
      assert.equal(partitionOfKey(key, 64), ofKafkajs(Buffer.from(key), 64))
    }),
  )
})

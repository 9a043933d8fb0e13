import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import kafkajs from 'kafkajs'
import type { PartitionAssigner } from 'kafkajs'
import { samePartitionAssigner } from './assigner.ts'

const { AssignerProtocol } = kafkajs

const TOPICS = ['usage.metered', 'account.inbox']

/** Only what the assigner needs from the cluster. */
function assignerOf(partitions: number) {
  const cluster = {
    findTopicPartitionMetadata: () =>
      Array.from({ length: partitions }, (_, partitionId) => ({
        partitionId,
        leader: 0,
        replicas: [],
        isr: [],
      })),
  }
  type Config = Parameters<PartitionAssigner>[0]
  return samePartitionAssigner()({ cluster, groupId: 'group', logger: {} } as unknown as Config)
}

async function assigned(
  memberIds: readonly string[],
  partitions: number,
): Promise<Map<string, Record<string, number[]>>> {
  const assigner = assignerOf(partitions)
  const members = memberIds.map((memberId) => ({ memberId, memberMetadata: Buffer.alloc(0) }))
  const assignments = await assigner.assign({ members, topics: TOPICS })
  return new Map(
    assignments.map(({ memberId, memberAssignment }) => [
      memberId,
      AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {},
    ]),
  )
}

const memberIds = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 9 })

test('every partition has one member, the same for every topic, and members differ by one at most', async () => {
  await fc.assert(
    fc.asyncProperty(memberIds, fc.integer({ min: 1, max: 64 }), async (ids, partitions) => {
      const members = await assigned(ids, partitions)
      assert.deepEqual(new Set(members.keys()), new Set(ids))
      const all = [...members.values()].flatMap((topics) => topics['usage.metered'] ?? [])
      assert.deepEqual(
        all.toSorted((left, right) => left - right),
        Array.from({ length: partitions }, (_, partition) => partition),
      )
      for (const topics of members.values())
        assert.deepEqual(topics['account.inbox'], topics['usage.metered'])
      const counts = [...members.values()].map((topics) => topics['usage.metered']?.length ?? 0)
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1)
    }),
  )
})

test('the order in which members are named changes nothing', async () => {
  assert.deepEqual(await assigned(['c', 'a', 'b'], 7), await assigned(['a', 'b', 'c'], 7))
})

test('the protocol names itself and the topics', () => {
  const { name, metadata } = assignerOf(1).protocol({ topics: TOPICS })
  assert.equal(name, assignerOf(1).name)
  assert.deepEqual(AssignerProtocol.MemberMetadata.decode(metadata)?.topics, TOPICS)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { OffsetCommits } from './offset-commits.ts'

test('one commit of a partition is under way at a time, the newest follows it, and a failure stops nothing', async () => {
  const sent: string[] = []
  const open: PromiseWithResolvers<void>[] = []
  const commits = new OffsetCommits()
  const commit = (partition: string, offset: number): void =>
    commits.commit(partition, async () => {
      sent.push(`${partition}: ${offset}`)
      const answer = Promise.withResolvers<void>()
      open.push(answer)
      await answer.promise
    })
  for (const offset of [1, 2, 3]) commit('blocks/0', offset)
  commit('blocks/1', 7)
  assert.deepEqual(sent, ['blocks/0: 1', 'blocks/1: 7'])
  open[0]?.reject(new Error('The coordinator does not answer.'))
  await setImmediate()
  assert.deepEqual(sent.slice(2), ['blocks/0: 3'], 'the newest, in place of the one between')
  open[2]?.resolve()
  await setImmediate()
  assert.equal(sent.length, 3)
  commit('blocks/0', 4)
  assert.deepEqual(sent.slice(3), ['blocks/0: 4'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailpointName } from '../../../pipelines/failpoints.ts'
import { HeldPoints } from './held-points.ts'

function points() {
  const announced: FailpointName[] = []
  return { announced, held: new HeldPoints((name) => announced.push(name)) }
}

/** Whether it has gone on once all that is due has run. */
async function goesOn(reached: Promise<void>): Promise<boolean> {
  let isOver = false
  void reached.then(() => {
    isOver = true
  })
  await new Promise(setImmediate)
  return isOver
}

test('a point that is armed holds once, until the release', async () => {
  const { announced, held } = points()
  assert.equal(await goesOn(held.reached('after_send')), true)
  held.arm('after_send')
  assert.equal(await goesOn(held.reached('during_commit')), true)
  const reached = held.reached('after_send')
  assert.equal(await goesOn(reached), false)
  assert.equal(await goesOn(held.reached('after_send')), true, 'and only the first who comes')
  held.release()
  assert.equal(await goesOn(reached), true)
  assert.deepEqual(announced, ['after_send'])
})

test('a point that is reached after the release holds nobody', async () => {
  const { announced, held } = points()
  held.arm('after_send')
  held.release()
  assert.equal(await goesOn(held.reached('after_send')), true)
  assert.deepEqual(announced, [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { answersOfMost, LAST_WORDS_MS, mostNamed } from './majority.ts'

const never = new Promise<string>(() => {})

test('all answers are taken, and those that failed are told', async () => {
  const failures: unknown[] = []
  const refused = new Error('refused')
  const questions = [Promise.resolve('a'), Promise.reject(refused), Promise.resolve('b')]
  assert.deepEqual(await answersOfMost(questions, new VirtualClock(), (error) => failures.push(error)), [
    'a',
    'b',
  ])
  assert.deepEqual(failures, [refused])
})

test('one that hangs is waited for LAST_WORDS_MS once most have answered', async () => {
  const clock = new VirtualClock()
  const startMs = clock.monotonicMs()
  assert.deepEqual(
    await answersOfMost([Promise.resolve('a'), never, Promise.resolve('b')], clock, () =>
      assert.fail('none fails'),
    ),
    ['a', 'b'],
  )
  assert.equal(clock.monotonicMs() - startMs, LAST_WORDS_MS)
})

test('what a failure makes of it rejects the whole', async () => {
  const denied = new Error('denied')
  await assert.rejects(
    answersOfMost([never, Promise.reject(denied)], new VirtualClock(), (error) => {
      throw error
    }),
    denied,
  )
})

test('whom most name', () => {
  assert.equal(mostNamed([3, 2, 2]), 2)
  assert.equal(mostNamed([3, null, null]), null)
  assert.equal(mostNamed([3, 2]), 3)
  assert.equal(mostNamed([]), undefined)
})

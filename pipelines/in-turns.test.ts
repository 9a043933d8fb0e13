import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { LoopTurns } from './in-turns.ts'

test('one piece of work a turn, however much is under way, and holders in turn', async () => {
  const turns = new LoopTurns()
  const done: string[] = []
  const work = async (holder: string, pieces: number): Promise<void> => {
    for (let piece = 0; piece < pieces; piece += 1) {
      await turns.pause(holder)
      done.push(holder)
    }
  }
  const all = Promise.all([work('many', 2), work('many', 2), work('many', 2), work('one', 2)])
  const perTurn: number[] = []
  while (done.length < 8) {
    const before = done.length
    await setImmediate()
    perTurn.push(done.length - before)
  }
  await all
  assert.ok(Math.max(...perTurn) <= 1, perTurn.join())
  assert.ok(
    done.lastIndexOf('one') <= 4,
    `whoever does less is not held up by whoever does more: ${done.join()}`,
  )
})

test('after a pause of everybody it goes on', async () => {
  const turns = new LoopTurns()
  await turns.pause('a')
  await setImmediate()
  await setImmediate()
  await turns.pause('a')
})

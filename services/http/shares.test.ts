import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Holding, Shares } from './shares.ts'

function takenOf(shares: Shares, holder: string): number {
  let taken = 0
  while (shares.take(holder, 1)) taken += 1
  return taken
}

test('one credential alone may hold half, the next half of the rest, and whoever comes then finds room', () => {
  const shares = new Shares(1_000)
  assert.equal(takenOf(shares, 'greedy'), 500)
  assert.equal(takenOf(shares, 'second'), 250)
  assert.equal(takenOf(shares, 'third'), 125)
  assert.ok(shares.take('newcomer', 1))
  shares.giveBack('greedy', 500)
  assert.ok(shares.take('newcomer', 200), 'what is given back is for all')
})

test('whoever holds less has room for all that one with more has room for, and the last is never taken', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: -40, max: 40 })), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 300 }), steps, (max, taken) => {
      const shares = new Shares(max)
      const held = new Map<string, number>()
      for (const [holder, amount] of taken) {
        const before = held.get(holder) ?? 0
        if (amount < 0) {
          const back = Math.min(-amount, before)
          shares.giveBack(holder, back)
          held.set(holder, before - back)
        } else if (shares.take(holder, amount)) held.set(holder, before + amount)
        const most = Math.max(0, ...held.values())
        assert.ok(shares.total + Math.min(1, shares.total) <= max, 'something is free')
        for (let wanted = 1; wanted < 20; wanted += 1) {
          const richest = [...held].find(([, amountHeld]) => amountHeld === most)?.[0] ?? 'a'
          if (shares.hasRoom(richest, wanted)) assert.ok(shares.hasRoom('newcomer', wanted))
        }
      }
    }),
  )
})

test('room that shrinks takes nothing away, and lets nobody in until it is there again', () => {
  let max = 100
  const shares = new Shares(() => max)
  assert.ok(shares.take('a', 50))
  max = 10
  assert.ok(!shares.take('b', 1))
  shares.giveBack('a', 50)
  assert.ok(shares.take('b', 5))
})

test('what a request holds is kept until its work has ended, though its client has gone', async () => {
  const shares = new Shares(100)
  const holding = new Holding('a')
  const { promise, resolve } = Promise.withResolvers<void>()
  assert.ok(holding.take(shares, 20))
  const working = holding.during(() => promise)
  holding.end()
  assert.equal(shares.total, 20)
  assert.ok(holding.take(shares, 5))
  resolve()
  await working
  assert.equal(shares.total, 0)
  assert.ok(!holding.take(shares, 1), 'nothing is taken that nobody would give back')
})

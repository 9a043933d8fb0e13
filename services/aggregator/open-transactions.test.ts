import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPEN_TRANSACTION_MS, OpenTransactions, openTransactionNote } from './open-transactions.ts'

const ends = (stable: number, high: number) => ({ stable: BigInt(stable), high: BigInt(high) })

test('OPEN_TRANSACTION_MS: an offset that stands below the watermark for so long is named, with what stands behind it', () => {
  const open = new OpenTransactions()
  open.observe(
    new Map([
      [0, ends(7, 7)],
      [1, ends(5, 9)],
    ]),
    1_000,
  )
  open.observe(new Map([[1, ends(5, 12)]]), 1_000 + OPEN_TRANSACTION_MS - 1)
  assert.deepEqual(open.hanging(1_000 + OPEN_TRANSACTION_MS - 1), [])
  const [one, ...others] = open.hanging(1_000 + OPEN_TRANSACTION_MS)
  assert.deepEqual(others, [])
  assert.deepEqual(one, { partition: 1, from: 5n, records: 7n, openMs: OPEN_TRANSACTION_MS })
  assert.equal(open.openMs(0, 9_999), 0)
  assert.ok(one)
  assert.match(
    openTransactionNote('usage.metered', one),
    /^usage\.metered\[1\]: .* open for 15 s, and 7 records from offset 5 .* abort --topic usage\.metered --partition 1 --start-offset 5/,
  )
})

test('an offset that moves on is several short transactions, and none that hangs', () => {
  const open = new OpenTransactions()
  for (let step = 0; step < 20; step++) open.observe(new Map([[0, ends(step, step + 3)]]), step * 3_000)
  assert.deepEqual(open.hanging(20 * 3_000), [])
})

test('one that has ended is forgotten; one that could not be seen is not', () => {
  const open = new OpenTransactions()
  open.observe(
    new Map([
      [0, ends(1, 2)],
      [1, ends(1, 2)],
    ]),
    0,
  )
  open.observe(new Map([[0, ends(3, 3)]]), 20_000)
  assert.deepEqual(
    open.hanging(20_000).map(({ partition }) => partition),
    [1],
  )
})

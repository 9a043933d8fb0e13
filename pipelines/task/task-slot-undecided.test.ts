import assert from 'node:assert/strict'
import { test } from 'node:test'
import { APPEND, SlotBench } from '../../test/support/memory/slot-bench.ts'
import { DECIDE_ATTEMPTS_MAX, UndecidedError } from './undecided.ts'
import { OutsideError } from '../log/outside.ts'
import type { SetAside } from './undecided.ts'

/** A decision that fails at record 12 unless it is set aside, and the batches that it got. */
function failingAt12(error: Error): {
  readonly asked: { readonly offsets: readonly bigint[]; readonly setAside: readonly SetAside[] }[]
  readonly decide: SlotBench['decide']
} {
  const asked: { offsets: readonly bigint[]; setAside: readonly SetAside[] }[] = []
  return {
    asked,
    decide: ({ records, setAside = [] }) => {
      const offsets = records.map(({ offset }) => offset)
      asked.push({ offsets, setAside: [...setAside] })
      if (offsets.includes(12n) && !setAside.some(({ offset }) => offset === 12n)) throw error
      return { appends: [APPEND] }
    },
  }
}

test('what decide fails at three times at one position is set aside, in the transaction that moves past it', async () => {
  const bench = await new SlotBench().running()
  const { asked, decide } = failingAt12(new UndecidedError(12n, 4, new RangeError('no long')))
  bench.decide = decide
  for (let attempt = 1; attempt <= DECIDE_ATTEMPTS_MAX; attempt++) {
    assert.deepEqual(await bench.handle([10, 11, 12, 13]), { next: 'pause' })
    assert.deepEqual(asked.at(-1)?.setAside, [], `attempt ${attempt}`)
    await bench.restarted()
  }
  assert.deepEqual(await bench.handle([10, 11, 12, 13]), { next: 'continue' })
  assert.deepEqual(asked.at(-1)?.setAside, [{ offset: 12n, index: 4, detail: 'no long' }])
  assert.equal(bench.slot.position, 14n)
  await bench.handle([14])
  assert.deepEqual(asked.at(-1)?.setAside, [], 'what is committed is forgotten')
})

test('where decide names no record, records are decided one by one until one fails by itself', async () => {
  const bench = await new SlotBench().running()
  const { asked, decide } = failingAt12(new RangeError('sums'))
  bench.decide = decide
  const outcomes: unknown[] = []
  for (let turn = 0; turn < 20 && bench.slot.position < 14n; turn++) {
    const position = Number(bench.slot.position)
    const fetched = [10, 11, 12, 13].filter((offset) => offset >= position)
    outcomes.push(await bench.handle(fetched))
    if (bench.slot.phase === 'waiting') {
      await bench.restarted()
      // The task record says where the task is: the bench's state restores to 10 and drops what it has.
      bench.slot.onFetched({ first: 10n, last: BigInt(position) - 1n, records: 0 })
    }
  }
  assert.equal(bench.slot.position, 14n)
  assert.deepEqual(
    asked.map(({ offsets }) => offsets.join()),
    ['10,11,12,13', '10,11,12,13', '10,11,12,13', '10', '11', '12', '12', '12', '12', '13'],
  )
  assert.deepEqual(asked.at(-2)?.setAside, [{ offset: 12n, index: null, detail: 'sums' }])
})

test('errors of commit, of what is asked outside and of memory are never held against a record', async () => {
  const failures: readonly ((bench: SlotBench) => void)[] = [
    (bench) => {
      bench.decide = () => ({ appends: [APPEND] })
      bench.commitFails = new Error('connection lost')
    },
    (bench) => {
      bench.decide = () => {
        throw new OutsideError('ClickHouse hung up')
      }
    },
    (bench) => {
      bench.decide = () => {
        throw new UndecidedError(10n, 0, new RangeError('Array buffer allocation failed'))
      }
    },
  ]
  for (const fail of failures) {
    const bench = await new SlotBench().running()
    const seen: (readonly SetAside[] | undefined)[] = []
    for (let attempt = 0; attempt < 3 * DECIDE_ATTEMPTS_MAX; attempt++) {
      fail(bench)
      await bench.handle([10])
      await bench.slot.settled()
      assert.equal(bench.slot.phase, 'waiting')
      bench.decide = (batch) => {
        seen.push(batch.setAside)
        return {}
      }
      await bench.restarted()
    }
    await bench.handle([10])
    assert.deepEqual(seen, [[]])
  }
})

test('a batch that fails though all of it is set aside halts the partition, with the record and the error', async () => {
  const bench = await new SlotBench().running()
  bench.decide = () => {
    throw new UndecidedError(10n, null, new RangeError('no long'))
  }
  for (let attempt = 0; attempt < 2 * DECIDE_ATTEMPTS_MAX; attempt++) {
    await bench.handle([10])
    assert.equal(bench.slot.phase === 'halted', attempt === 2 * DECIDE_ATTEMPTS_MAX - 1, `attempt ${attempt}`)
    await bench.restarted()
  }
  assert.equal(bench.slot.phase, 'halted')
  assert.equal(bench.slot.halt?.reason, 'cannot_be_decided')
  assert.match(bench.slot.halt?.message ?? '', /account\.inbox\[3\] at offset 10 .*no long/)
})

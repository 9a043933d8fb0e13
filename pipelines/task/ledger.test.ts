import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATE_KEY } from '../../schemas/avro.ts'
import { emptyStoreGate } from '../../test/support/memory/stored-marks.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import type { LogRecord } from '../log/records.ts'
import { TaskLedger } from './ledger.ts'
import type { LedgerRecord } from './ledger.ts'

/** A task whose state is built from its recent input, as its record says. */
interface Task extends LedgerRecord {
  again_from: number
}

const FIRST: Task = {
  position: 0,
  next_seq: 1,
  loaded_seq: 0,
  oldest_unloaded_at: null,
  ended: false,
  since: [],
  again_from: 0,
}

const codec = {
  encode: (task: Task) => Buffer.from(JSON.stringify(task)),
  decode: (value: Buffer) => JSON.parse(value.toString()) as Task,
}

function ledgerOf(againFrom?: (task: Task) => number): TaskLedger<Task> {
  return new TaskLedger<Task>({
    partition: 0,
    inputTopic: 'in',
    stateTopic: 'state',
    blockTopic: 'blocks',
    holds: 'counts',
    codec,
    first: FIRST,
    watermarkMsOf: () => 0,
    loadedSeq: () => 0,
    gate: emptyStoreGate(),
    clock: new VirtualClock(),
    ...(againFrom === undefined ? {} : { againFrom }),
  })
}

function record(offset: number, key: string | null, value: Buffer | null): LogRecord {
  return {
    partition: 0,
    offset: BigInt(offset),
    timestampMs: 0,
    key: key === null ? null : Buffer.from(key),
    value,
    headers: {},
  }
}

const decidedTo = (position: number, again_from = position): LogRecord =>
  record(0, STATE_KEY.task, codec.encode({ ...FIRST, position, again_from }))

test('a state that is built from its newest input reads on from there, and what it had decided is taken in again', async () => {
  const ledger = ledgerOf((task) => task.again_from)
  ledger.restore(decidedTo(7, 4))
  assert.equal(ledger.restored(2n), 4n)
  assert.deepEqual(
    [3, 4, 6, 7, 8].filter((offset) => ledger.isAgain(record(offset, null, null))),
    [3, 4, 6],
  )
  // Until all of it is taken in again, a partition that has to rest continues at its present position, and not where it had
  // decided to.
  assert.deepEqual(ledger.rests('why'), { appends: [], position: 4n, groupOpen: false, pause: 'why' })
  assert.deepEqual(ledger.tookAgain(6n), { appends: [], position: 6n, groupOpen: false, pause: null })
  assert.equal(ledger.rests('why').position, 6n)
  ledger.decided({ ...ledger.task, position: 9 })
  assert.equal(ledger.rests('why').position, 9n)
})

test('without it nothing is taken again', () => {
  const ledger = ledgerOf()
  ledger.restore(decidedTo(7, 4))
  assert.equal(ledger.restored(7n), 7n)
})

test('input that the state would be built from and that is gone halts the partition, though all of it was decided', () => {
  const ledger = ledgerOf((task) => task.again_from)
  ledger.restore(decidedTo(7, 4))
  assert.throws(() => ledger.restored(5n), { reason: 'input_deleted' })
})

test('a record that asks for input above its position is read from its position', () => {
  const ledger = ledgerOf((task) => task.again_from)
  ledger.restore(decidedTo(7, 9))
  assert.equal(ledger.restored(0n), 7n)
})

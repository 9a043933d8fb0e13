import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEND_BYTES_MAX } from '../log/sends.ts'
import { FORWARD_RECORDS_MAX, PartitionForward } from './forward.ts'
import { ProduceError } from '../log/producer.ts'
import type { LogAppend } from '../log/records.ts'

const record = (bytes = 1): LogAppend => ({ partition: 1, key: null, value: Buffer.alloc(bytes) })

function held(fails: (send: number) => Error | null = () => null) {
  const sends: number[] = []
  const append = async (records: readonly LogAppend[]): Promise<void> => {
    sends.push(records.length)
    const error = fails(sends.length)
    if (error !== null) throw error
  }
  return { sends, forward: new PartitionForward({ append }) }
}

test('FORWARD_RECORDS_MAX: sends hold so many records, and no more bytes than a batch', async () => {
  const { sends, forward } = held()
  assert.equal(
    await forward.send(
      Array.from({ length: FORWARD_RECORDS_MAX + 1 }, () => record()),
      1n,
    ),
    true,
  )
  assert.equal(await forward.send([record(SEND_BYTES_MAX), record(), record()], 2n), true)
  assert.deepEqual(sends, [FORWARD_RECORDS_MAX, 1, 1, 2])
})

test('what the broker does not acknowledge is not there, and nothing follows it', async () => {
  const { sends, forward } = held((send) => (send === 2 ? new ProduceError('lost') : null))
  const records = Array.from({ length: 3 }, () => record(SEND_BYTES_MAX))
  assert.equal(await forward.send(records, 5n), false)
  assert.equal(forward.below, 0n)
  assert.deepEqual(sends, [1, 1])
})

test('an error of another kind is no answer of the broker', async () => {
  const { forward } = held(() => new TypeError('a defect'))
  await assert.rejects(forward.send([record()], 1n), TypeError)
})

test('it knows how far it has sent, and never less', async () => {
  const { forward } = held()
  await forward.send([record()], 7n)
  await forward.send([record()], 5n)
  assert.equal(forward.below, 7n)
})

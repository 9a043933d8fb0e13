import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEND_BYTES_MAX } from '../log/sends.ts'
import { FORWARD_RECORDS_MAX, forwardOver } from './forward.ts'
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
  return { sends, forward: forwardOver({ append }) }
}

test('FORWARD_RECORDS_MAX: sends hold so many records, and no more bytes than a batch', async () => {
  const { sends, forward } = held()
  assert.equal(await forward(Array.from({ length: FORWARD_RECORDS_MAX + 1 }, () => record())), true)
  assert.equal(await forward([record(SEND_BYTES_MAX), record(), record()]), true)
  assert.deepEqual(sends, [FORWARD_RECORDS_MAX, 1, 1, 2])
})

test('what the broker does not acknowledge is not there, and nothing follows it', async () => {
  const { sends, forward } = held((send) => (send === 2 ? new ProduceError('lost') : null))
  const records = Array.from({ length: 3 }, () => record(SEND_BYTES_MAX))
  assert.equal(await forward(records), false)
  assert.deepEqual(sends, [1, 1])
})

test('an error of another kind is no answer of the broker', async () => {
  const { forward } = held(() => new TypeError('a defect'))
  await assert.rejects(forward([record()]), TypeError)
})

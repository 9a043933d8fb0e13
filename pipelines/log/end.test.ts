import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endCodec, tickCodec } from '../../schemas/avro.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { isEnd } from './end.ts'

const token = Buffer.alloc(16, 7)

test('only a record with the token of the layout ends a partition', () => {
  const end = endCodec.encode({ token })
  assert.equal(
    isEnd(inputRecord(0, 0, end), () => token),
    true,
  )
  const others = [
    endCodec.encode({ token: Buffer.alloc(16) }),
    end.subarray(0, 7),
    tickCodec.encode({ written_by: 'x' }),
    null,
  ]
  for (const other of others) {
    assert.equal(
      isEnd(inputRecord(0, 0, other), () => token),
      false,
    )
  }
  assert.equal(
    isEnd(inputRecord(0, 0, end), () => null),
    false,
    'no version ends',
  )
  assert.equal(isEnd(inputRecord(0, 0, end), undefined), false)
})

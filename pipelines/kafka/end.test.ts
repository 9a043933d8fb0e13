import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endCodec, tickCodec } from '../../schemas/avro.ts'
import { isEnd } from './end.ts'

const token = Buffer.alloc(16, 7)

test('only a record with the token of the layout ends a partition', () => {
  const end = endCodec.encode({ token })
  assert.equal(
    isEnd(end, () => token),
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
      isEnd(other, () => token),
      false,
    )
  }
  assert.equal(
    isEnd(end, () => null),
    false,
    'no version ends',
  )
  assert.equal(isEnd(end, undefined), false)
})

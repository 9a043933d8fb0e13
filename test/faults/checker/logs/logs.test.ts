import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accountCodec, aggregatorTaskCodec, fenceCodec, settlerTaskCodec } from '../../../../schemas/avro.ts'
import { testRulesRecord } from '../../../support/records/rules.ts'
import type { Account, AggregatorTask, SettlerTask } from '../../../../schemas/records.ts'
import { batchesOf, headerOf } from './batch-headers.ts'
import type { BatchHeader } from './batch-headers.ts'
import { BlockOrder } from './block-order.ts'
import { Problems } from '../problems.ts'
import { ProducerEpochs } from './producer-epochs.ts'
import { StateOrder } from './state-order.ts'
import { accountOf } from '../world-fixture.ts'

const AGGREGATOR: AggregatorTask = {
  position: 10,
  next_seq: 5,
  watermark: 100,
  id_key_fingerprint: Buffer.alloc(8),
  low: null,
  evicted_seq: 0,
  models_version: 1,
  models: [],
  loaded_seq: 0,
  oldest_unloaded_at: null,
  ended: false,
  since: [],
  texts_until: null,
}
const SETTLER: SettlerTask = {
  position: 10,
  next_seq: 5,
  now: 100,
  watermark: 100,
  handed_offset: 7,
  handed_index: 3,
  rules: testRulesRecord(),
  loaded_seq: 0,
  oldest_unloaded_at: null,
  ended: false,
  since: [],
}

/** The problems that these records cause, in order. */
function stateLines(
  kind: 'aggregator' | 'settler',
  records: readonly (readonly [string, Buffer | null])[],
): string[] {
  const problems = new Problems()
  const order = new StateOrder('topic[0]', kind, problems)
  for (const [index, [key, value]] of records.entries()) {
    order.add({ offset: BigInt(index), key: Buffer.from(key), value })
  }
  return problems.lines()
}

const aggregator = (fields: Partial<AggregatorTask>) =>
  ['!task', aggregatorTaskCodec.encode({ ...AGGREGATOR, ...fields })] as const
const settler = (fields: Partial<SettlerTask>) =>
  ['!task', settlerTaskCodec.encode({ ...SETTLER, ...fields })] as const
const account = (fields: Partial<Account>) =>
  ['node-a', accountCodec.encode(accountOf('node-a', fields))] as const

describe('state topics', () => {
  it('lets positions rise and stand still, around fences', () => {
    const fence = ['!fence', fenceCodec.encode({ instance: 'b' })] as const
    assert.deepEqual(
      stateLines('aggregator', [aggregator({}), fence, aggregator({}), aggregator({ low: 3 })]),
      [],
    )
    assert.deepEqual(
      stateLines('settler', [settler({}), fence, settler({ handed_offset: 8, handed_index: 0 })]),
      [],
    )
    assert.deepEqual(stateLines('settler', [account({}), account({ version: 10, events: 5 })]), [])
  })

  it('names what falls', () => {
    assert.deepEqual(
      stateLines('aggregator', [aggregator({ low: 3 }), aggregator({ position: 9, low: null })]),
      [
        'position: topic[0] at offset 1: position falls from 10 to 9',
        'position: topic[0] at offset 1: low falls from 3 to nothing',
      ],
    )
    assert.match(
      stateLines('settler', [settler({}), settler({ handed_index: 2 })])[0] ?? '',
      /^position: topic\[0\] at offset 1: handed falls/,
    )
  })

  it('names an account that goes back', () => {
    assert.deepEqual(stateLines('settler', [account({}), account({ cost_seq: 3 }), ['node-a', null]]), [
      'position: topic[0] at offset 1: account node-a has version 9 after 9',
      'position: topic[0] at offset 1: account node-a: cost_seq falls from 4 to 3',
      'position: topic[0] at offset 2: account node-a is deleted',
    ])
  })
})

describe('blocks', () => {
  it('names a number that is left out, or comes again', () => {
    const lines = (...seqs: readonly (string | null)[]): string[] => {
      const problems = new Problems()
      const order = new BlockOrder('topic[0]', problems)
      for (const [index, seq] of seqs.entries()) order.add(BigInt(index), seq)
      return problems.lines()
    }
    assert.deepEqual(lines('7', '8', '9'), [])
    assert.deepEqual(lines('7', '9', '9'), [
      'block: topic[0] at offset 1 is block 9 after block 7',
      'block: topic[0] at offset 2 is block 9 after block 9',
    ])
    assert.deepEqual(lines(null), ['block: topic[0] at offset 0 has no block number'])
  })
})

type Written = readonly [
  producerId: number,
  epoch: number,
  marker?: 'commit' | 'abort' | 'two records' | 'the same again',
]

/** The problems that these transactional batches cause, in order. */
function epochLines(...written: readonly Written[]): string[] {
  const problems = new Problems()
  const epochs = new ProducerEpochs('topic[0]', problems)
  for (const [index, [producerId, producerEpoch, what = null]] of written.entries()) {
    const offset = BigInt(index)
    const marker = what === 'commit' || what === 'abort' ? what : null
    const batch: BatchHeader = {
      baseOffset: offset,
      lastOffset: what === 'two records' ? offset + 1n : offset,
      producerId: BigInt(producerId),
      producerEpoch,
      timestampMs: 0,
      content: what === 'the same again' ? index - 1 : index,
      isTransactional: true,
      marker,
    }
    epochs.add(batch)
  }
  return problems.lines()
}

describe('producer epochs', () => {
  it('lets owners follow one another, what they left open aborted', () => {
    assert.deepEqual(
      epochLines([1, 0], [1, 0, 'commit'], [1, 0], [1, 1, 'abort'], [1, 2], [1, 2, 'commit']),
      [],
    )
    assert.deepEqual(epochLines([1, 5], [1, 5, 'commit'], [2, 0], [2, 0, 'commit']), [])
    assert.deepEqual(
      epochLines([1, 5], [2, 0], [1, 5, 'abort'], [2, 0, 'commit']),
      [],
      'aborted data may be late',
    )
  })

  it('names an epoch that falls', () => {
    assert.match(
      epochLines([1, 2], [1, 2, 'commit'], [1, 1])[0] ?? '',
      /epoch of producer 1 falls from 2 to 1$/,
    )
  })

  it('names what an old owner commits behind its successor', () => {
    const lines = epochLines([1, 5], [1, 5, 'commit'], [2, 0], [2, 0, 'commit'], [1, 5], [1, 5, 'commit'])
    assert.deepEqual(lines, [
      "epoch: topic[0] at offset 4: data of producer 1, epoch 5, is committed behind a newer writer's",
    ])
  })

  it('lets a fence, which is one record, decide what the broker left open', () => {
    assert.deepEqual(epochLines([1, 5, 'two records'], [1, 6], [1, 6, 'commit']), [])
    assert.deepEqual(epochLines([1, 5], [1, 6], [1, 6, 'abort']), [])
  })

  it('names a batch that stands twice in what a transaction commits', () => {
    const lines = epochLines([1, 5], [1, 5, 'the same again'], [1, 5, 'commit'])
    assert.deepEqual(lines, [
      'batch: topic[0]: the batch at offset 0 stands again at 1, in the same transaction',
    ])
    assert.deepEqual(epochLines([1, 5], [1, 5, 'the same again'], [1, 5, 'abort']), [])
    assert.deepEqual(epochLines([1, 5], [1, 5, 'commit'], [1, 5], [1, 5, 'commit']), [])
  })

  it('names what an old owner left open and its successor committed', () => {
    assert.match(
      epochLines([1, 5], [1, 6, 'two records'], [1, 6, 'commit'])[0] ?? '',
      /at offset 0: data of producer 1, epoch 5, is committed by the marker at 2 of epoch 6/,
    )
  })
})

describe('batch headers', () => {
  it('reads data and markers, and leaves out a batch that is cut off', () => {
    const data = batch({ baseOffset: 40n, lastOffsetDelta: 2, attributes: 0x10, producerId: 7n, epoch: 3 })
    const marker = batch({
      baseOffset: 43n,
      lastOffsetDelta: 0,
      attributes: 0x30,
      producerId: 7n,
      epoch: 3,
      // Length, attributes, deltas of time (two bytes) and offset, length of the key, version, type, value.
      record: [0x22, 0, 0x80, 1, 0, 8, 0, 0, 0, 1, 12, 0, 0, 0, 0, 0, 0, 0],
    })
    const [first, second, ...more] = batchesOf(Buffer.concat([data, marker, data.subarray(0, 66)])).map(
      headerOf,
    )
    const written = {
      producerId: 7n,
      producerEpoch: 3,
      isTransactional: true,
      timestampMs: 1_700_000_000_000,
    }
    assert.partialDeepStrictEqual(first, { baseOffset: 40n, lastOffset: 42n, ...written, marker: null })
    assert.partialDeepStrictEqual(second, { baseOffset: 43n, lastOffset: 43n, ...written, marker: 'commit' })
    assert.notEqual(first?.content, second?.content)
    assert.equal(more.length, 0)
  })

  it('refuses another format', () => {
    const old = batch({ baseOffset: 0n, lastOffsetDelta: 0, attributes: 0, producerId: 0n, epoch: 0 })
    old[16] = 1
    assert.throws(() => headerOf(old), /format 1/)
  })
})

function batch(fields: {
  readonly baseOffset: bigint
  readonly lastOffsetDelta: number
  readonly attributes: number
  readonly producerId: bigint
  readonly epoch: number
  readonly record?: readonly number[]
}): Buffer {
  const record = fields.record ?? [1, 2, 3, 4, 5, 6]
  const bytes = Buffer.alloc(61 + record.length)
  bytes.writeBigInt64BE(fields.baseOffset, 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt8(2, 16)
  bytes.writeInt16BE(fields.attributes, 21)
  bytes.writeInt32BE(fields.lastOffsetDelta, 23)
  bytes.writeBigInt64BE(1_700_000_000_000n, 35)
  bytes.writeBigInt64BE(fields.producerId, 43)
  bytes.writeInt16BE(fields.epoch, 51)
  bytes.set(record, 61)
  return bytes
}

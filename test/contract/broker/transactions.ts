import assert from 'node:assert/strict'
import { it } from 'node:test'
import { noFailpoint } from '../../../pipelines/failpoints.ts'
import type { Failpoint } from '../../../pipelines/failpoints.ts'
import type { LogRecord, TopicAppend } from '../../../pipelines/log/records.ts'
import { TRANSACTION_TIMEOUT_MS } from '../../../pipelines/kafka/produce/transaction-session.ts'
import type { TaskWriter } from '../../../pipelines/task/ports.ts'
import type { BrokerTarget } from './target.ts'

/** The markers of a transaction are written after its end is acknowledged. */
const MARKED_MS = 1_000
/** The broker searches once a second for transactions that are open for too long. */
const TIMED_OUT_MS = TRANSACTION_TIMEOUT_MS + 4_000

const append = (topic: string, value: string): TopicAppend => ({
  topic,
  partition: 0,
  key: null,
  value: Buffer.from(value),
})
const valuesOf = (records: readonly LogRecord[]): string[] =>
  records.map(({ value }) => value?.toString() ?? '')

/** A writer whose first transaction is sent and stays open until `end` is called. */
function openTransaction(broker: BrokerTarget, id: string, records: readonly TopicAppend[]) {
  const { promise: held, resolve: end } = Promise.withResolvers<void>()
  const { promise: sent, resolve: isSent } = Promise.withResolvers<void>()
  const failpoint: Failpoint = async (name) => {
    if (name !== 'after_send') return await noFailpoint(name)
    isSent()
    await held
  }
  const writer: TaskWriter = broker.openWriter(id, failpoint)
  const committed = writer.commit(records)
  committed.catch(() => {})
  return { writer, committed, end, sent: Promise.race([sent, committed]) }
}

/** The guarantees that a task needs when it writes. */
export function describeTransactions(target: () => BrokerTarget): void {
  it('shows a committed transaction whole and in order, at the offsets that it returned', async () => {
    const broker = target()
    const { state, blocks } = broker.topics
    const writer = broker.openWriter('whole')
    const offsets = await writer.commit([
      append(blocks, 'whole 1'),
      append(state, 'whole 2'),
      append(blocks, 'whole 3'),
    ])
    await broker.pass(MARKED_MS)
    const seen = [...(await broker.read(blocks)), ...(await broker.read(state))]
    const mine = seen.filter(({ value }) => value?.toString().startsWith('whole'))
    assert.deepEqual(valuesOf(mine), ['whole 1', 'whole 3', 'whole 2'])
    assert.deepEqual(
      mine.map(({ offset }) => offset),
      [offsets[0], offsets[2], offsets[1]],
    )
    await writer.close()
  })

  it('gives the marker of a transaction an offset of its own', async () => {
    const broker = target()
    const { state } = broker.topics
    const writer = broker.openWriter('marker')
    const first = await writer.commit([append(state, 'marker 1'), append(state, 'marker 2')])
    const second = await writer.commit([append(state, 'marker 3')])
    assert.equal(first[1], (first[0] ?? 0n) + 1n)
    assert.equal(second[0], (first[1] ?? 0n) + 2n)
    await broker.pass(MARKED_MS)
    assert.equal((await broker.range(state)).end, (second[0] ?? 0n) + 2n, 'the last marker counts too')
    await writer.close()
  })

  it('hides an open transaction and what stands behind it, until it ends', async () => {
    const broker = target()
    const { state } = broker.topics
    const { end: before } = await broker.range(state)
    const open = openTransaction(broker, 'open', [append(state, 'open 1')])
    await open.sent
    const other = broker.openWriter('behind')
    await other.commit([append(state, 'behind 1')])
    await broker.pass(MARKED_MS)
    assert.equal((await broker.range(state)).end, before)
    assert.ok(!valuesOf(await broker.read(state)).some((value) => /^(open|behind)/.test(value)))
    open.end()
    const [offset] = await open.committed
    assert.equal(offset, before)
    await broker.pass(MARKED_MS)
    assert.deepEqual(valuesOf(await broker.read(state)).slice(-2), ['open 1', 'behind 1'])
    await Promise.all([open.writer.close(), other.close()])
  })

  it('fences: a second writer of the same id ends what the first has open, and the first is refused', async () => {
    const broker = target()
    const { state } = broker.topics
    const first = openTransaction(broker, 'fenced', [append(state, 'fenced 1'), append(state, 'fenced 2')])
    await first.sent
    const second = broker.openWriter('fenced')
    await second.commit([append(state, 'fence')])
    first.end()
    await assert.rejects(first.committed)
    await broker.pass(MARKED_MS)
    const seen = valuesOf(await broker.read(state))
    assert.equal(seen.at(-1), 'fence')
    assert.ok(!seen.some((value) => value.startsWith('fenced')))
    await second.commit([append(state, 'fence 2')])
    await Promise.all([first.writer.close(), second.close()])
  })

  it('aborts a transaction that nobody ends, and refuses who comes back to it', async () => {
    const broker = target()
    const { state } = broker.topics
    const open = openTransaction(broker, 'late', [append(state, 'late 1')])
    await open.sent
    const { end: before } = await broker.range(state)
    await broker.pass(TIMED_OUT_MS)
    assert.ok((await broker.range(state)).end > before)
    open.end()
    await assert.rejects(open.committed)
    assert.ok(!valuesOf(await broker.read(state)).includes('late 1'))
    await open.writer.close()
  })
}

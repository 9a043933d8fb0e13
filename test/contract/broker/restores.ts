import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { TopicAppend } from '../../../pipelines/log/records.ts'
import type { BrokerTarget } from './target.ts'

const MARKED_MS = 1_000

/** The guarantees that a task needs when it restores its state. */
export function describeRestores(target: () => BrokerTarget): void {
  const append = (value: string): TopicAppend => ({
    topic: target().topics.state,
    partition: 0,
    key: null,
    value: Buffer.from(value),
  })

  it('reads up to an own record, behind aborted records and before an open tail', async () => {
    const broker = target()
    const stays = new Promise<never>(() => {})
    const hold = async (name: string): Promise<void> => {
      if (name === 'after_send') await stays
    }
    const aborted = broker.openWriter('restore', hold)
    void aborted.commit([append('aborted 1'), append('aborted 2')]).catch(() => {})
    await broker.pass(MARKED_MS)
    const writer = broker.openWriter('restore')
    const [fence] = await writer.commit([append('own fence')])
    assert.ok(fence !== undefined)
    const tail = broker.openWriter('restore-tail', hold)
    void tail.commit([append('tail')]).catch(() => {})
    await broker.pass(MARKED_MS)
    const values = (await broker.restore(fence)).map(({ value }) => value?.toString())
    assert.equal(values.at(-1), 'own fence')
    assert.ok(!values.some((value) => value === 'tail' || value?.startsWith('aborted')))
    // The next writer under its id ends the tail.
    const next = broker.openWriter('restore-tail')
    await next.commit([append('next')])
    await Promise.all([writer.close(), next.close(), aborted.close(), tail.close()])
  })

  it('begins where the log begins after records were deleted', async () => {
    const broker = target()
    const writer = broker.openWriter('deleted')
    const [gone] = await writer.commit([append('gone')])
    const [kept] = await writer.commit([append('kept')])
    assert.ok(gone !== undefined && kept !== undefined)
    await broker.pass(MARKED_MS)
    await broker.deleteBefore(broker.topics.state, kept)
    assert.equal((await broker.range(broker.topics.state)).start, kept)
    const values = (await broker.restore(kept)).map(({ value }) => value?.toString())
    assert.deepEqual(values, ['kept'])
    await writer.close()
  })
}

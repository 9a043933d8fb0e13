import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { LogProducer } from '../../../pipelines/log/producer.ts'
import type { LogAppend } from '../../../pipelines/log/records.ts'
import type { ProducingTarget } from './target.ts'

const SENDS = 8

/** The guarantees that every producer needs, outside transactions and within, while answers are lost and leaders move. */
export function describeProducing(target: () => ProducingTarget): void {
  /** Records for all partitions, named so that each can be found again; `each` of them for every partition. */
  const records = (name: string, each = 1): LogAppend[] =>
    Array.from({ length: each * target().partitions }, (_, index) => ({
      partition: index % target().partitions,
      key: null,
      value: Buffer.from(`${name} ${Math.floor(index / target().partitions)}`),
    }))

  /** The records of a name in each partition, in order. */
  async function logged(name: string): Promise<string[][]> {
    return await Promise.all(
      Array.from({ length: target().partitions }, async (_, partition) =>
        (await target().read(partition))
          .map(({ value }) => value?.toString() ?? '')
          .filter((value) => value.startsWith(`${name} `)),
      ),
    )
  }

  const everywhere = (...values: string[]): string[][] =>
    Array.from({ length: target().partitions }, () => values)

  const again = (name: string, send: number): LogAppend[] =>
    records(name).map(({ partition }) => ({ partition, key: null, value: Buffer.from(`${name} ${send}`) }))

  const numbered = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${name} ${index}`)

  async function withProducer(use: (producer: LogProducer) => Promise<void>): Promise<void> {
    const producer = target().openProducer()
    try {
      await use(producer)
    } finally {
      await producer.stop()
    }
  }

  it('names every partition of an append, with the offset of its first record', async () => {
    await withProducer(async (producer) => {
      const first = await producer.append(records('named', 2))
      const second = await producer.append(records('named', 1))
      for (let partition = 0; partition < target().partitions; partition++) {
        const [base, next] = [first.get(partition), second.get(partition)]
        assert.ok(base !== undefined && next !== undefined)
        assert.equal(next.baseOffset, base.baseOffset + 2n)
        assert.ok(next.logAppendTimeMs >= base.logAppendTimeMs && base.logAppendTimeMs > 0)
      }
    })
  })

  it('stores once what is sent again after a lost answer', async () => {
    await withProducer(async (producer) => {
      await producer.append(records('before', 1))
      target().loseAnswers(2)
      await producer.append(records('repeated', 2))
    })
    assert.deepEqual(await logged('repeated'), everywhere('repeated 0', 'repeated 1'))
  })

  it('keeps the order of a partition over many appends, whatever answers are lost', async () => {
    await withProducer(async (producer) => {
      for (let send = 0; send < SENDS; send++) {
        if (send % 3 === 1) target().loseAnswers(1)
        await producer.append(again('ordered', send))
      }
    })
    assert.deepEqual(await logged('ordered'), everywhere(...numbered('ordered', SENDS)))
  })

  it('finds a leader that has moved, between two appends and while an answer is lost', async (t) => {
    const { moveLeader } = target()
    if (moveLeader === null) {
      t.skip('one broker: no leader can move')
      return
    }
    await withProducer(async (producer) => {
      await producer.append(records('moved'))
      for (let send = 1; send < SENDS; send++) {
        const moved = moveLeader(send % target().partitions)
        if (send % 2 === 0) await moved
        if (send % 3 === 0) target().loseAnswers(1)
        const values = again('moved', send)
        await Promise.all([producer.append(values), moved])
      }
    })
    assert.deepEqual(await logged('moved'), everywhere(...numbered('moved', SENDS)))
  })

  it('sends nothing twice where one broker says "not me" while another’s answer is under way', async (t) => {
    const { moveLeader, delayAnswers } = target()
    if (moveLeader === null) {
      t.skip('one broker: no leader can move')
      return
    }
    await withProducer(async (producer) => {
      await producer.append(records('apart'))
      for (let send = 1; send < SENDS; send++) {
        await moveLeader(0)
        delayAnswers(send % 2 === 0 ? 150 : 0)
        await producer.append(again('apart', send))
      }
      delayAnswers(0)
    })
    assert.deepEqual(await logged('apart'), everywhere(...numbered('apart', SENDS)))
  })

  it('commits each transaction once and whole while answers are lost and leaders move', async () => {
    const { moveLeader, loseAnswers, partitions, topic } = target()
    let writer = target().openWriter('producing')
    const committed: number[] = []
    for (let count = 0; count < SENDS; count++) {
      const moved = moveLeader?.(count % partitions)
      if (count % 3 === 2) loseAnswers(1)
      try {
        await writer.commit(
          records('transacted').map(({ partition }) => ({
            topic,
            partition,
            key: null,
            value: Buffer.from(`transacted ${count}`),
          })),
        )
        committed.push(count)
      } catch {
        // The outcome is unknown: as a task does, a new writer fences the old one.
        await writer.close()
        writer = target().openWriter('producing')
      }
      await moved
    }
    await writer.commit([{ topic, partition: 0, key: null, value: Buffer.from('end') }])
    await writer.close()
    await target().pass(1_000)
    assert.ok(committed.length >= SENDS / 2, `${committed.length} of ${SENDS}`)
    const found = await logged('transacted')
    for (const values of found) {
      assert.equal(new Set(values).size, values.length, 'nothing stands twice')
      assert.deepEqual(values, found[0], 'whole or not at all')
      for (const count of committed) assert.ok(values.includes(`transacted ${count}`))
    }
  })

  it('refuses the writer before the last one of its id', async () => {
    const { topic } = target()
    const append = (value: string) => [{ topic, partition: 0, key: null, value: Buffer.from(value) }]
    const old = target().openWriter('fenced')
    await old.commit(append('fenced 0'))
    const young = target().openWriter('fenced')
    await young.commit(append('fenced 1'))
    await assert.rejects(old.commit(append('fenced 2')))
    await Promise.all([old.close(), young.close()])
    await target().pass(1_000)
    assert.deepEqual((await logged('fenced'))[0], ['fenced 0', 'fenced 1'])
  })
}

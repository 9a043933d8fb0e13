import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ClickhouseAway, ClickhouseRefused } from '../../../pipelines/clickhouse/errors.ts'
import { groupOf } from './target.ts'
import type { StoreTarget } from './target.ts'
import { storedMark } from '../../support/memory/stored-marks.ts'

const MARCH_MS = Date.UTC(2026, 2, 10)
const APRIL_MS = Date.UTC(2026, 3, 10)
const source = (topic: string) => ({ topic, partition: 0 })

/** The guarantees that the loader needs when it inserts and looks. */
export function describeInserts(target: () => StoreTarget): void {
  it('takes a token once, another token again', async () => {
    const tested = target()
    const { store } = tested
    const { letters } = await groupOf('tokens', 1, MARCH_MS)
    await store.insert(letters, 'tokens/1')
    assert.equal(await tested.count('dead_letters', 'tokens'), 2)
    await store.insert(letters, 'tokens/1')
    assert.equal(
      await tested.count('dead_letters', 'tokens'),
      2,
      'the same token is acknowledged and does nothing',
    )
    await store.insert(letters, 'tokens/1-r1')
    assert.equal(await tested.count('dead_letters', 'tokens'), 4)
  })

  it('takes many at once under one token once', async () => {
    const tested = target()
    const { store } = tested
    const { letters } = await groupOf('many', 1, MARCH_MS)
    await Promise.all(Array.from({ length: 4 }, () => store.insert(letters, 'many/1')))
    assert.equal(await tested.count('dead_letters', 'many'), 2)
  })

  it('says what it holds, by source, month and number', async () => {
    const { store } = target()
    const first = await groupOf('holds', 1, MARCH_MS)
    const next = await groupOf('holds', 3, MARCH_MS)
    const april = await groupOf('holds', 1, APRIL_MS)
    assert.equal(await store.holds(source('holds'), first.letters), false)
    await store.insert(first.letters, 'holds/1')
    assert.equal(await store.holds(source('holds'), first.letters), true)
    assert.equal(await store.holds(source('holds'), next.letters), false, 'a higher number')
    assert.equal(await store.holds(source('holds'), april.letters), false, 'another month')
    assert.equal(await store.holds(source('elsewhere'), first.letters), false, 'another source')
    assert.equal(await store.holds({ topic: 'holds', partition: 1 }, first.letters), false)
    await store.insert(next.letters, 'holds/3')
    assert.equal(await store.holds(source('holds'), next.letters), true)
    assert.equal(await store.holds(source('holds'), first.letters), true)
  })

  it('says how far a source is loaded: the highest number in watermarks', async () => {
    const { store } = target()
    assert.equal(await store.loadedSeq(source('loaded')), 0)
    const first = await groupOf('loaded', 1, MARCH_MS)
    const next = await groupOf('loaded', 3, MARCH_MS)
    await store.insert(first.letters, 'loaded/1')
    assert.equal(await store.loadedSeq(source('loaded')), 0, 'rows alone say nothing')
    await store.insert(first.watermarks, 'loaded/1/watermarks')
    assert.equal(await store.loadedSeq(source('loaded')), 2)
    await store.insert(next.watermarks, 'loaded/3/watermarks')
    assert.equal(await store.loadedSeq(source('loaded')), 4)
    assert.equal(await store.loadedSeq({ topic: 'loaded', partition: 1 }), 0)
  })

  it('says what else it knows of a source, and keeps the highest reload that was noted', async () => {
    const { store } = target()
    const nothing = await store.mark(source('marks'))
    assert.equal(nothing.installationIds.length, 1)
    assert.deepEqual(nothing, storedMark({ installationIds: nothing.installationIds }))
    const first = await groupOf('marks', 1, MARCH_MS)
    await store.insert(first.watermarks, 'marks/1/watermarks')
    await store.noteReload(source('marks'), 9)
    await store.noteReload(source('marks'), 7)
    assert.deepEqual(await store.mark(source('marks')), {
      ...nothing,
      seq: 2,
      watermarkMs: MARCH_MS,
      position: 10,
      reloadThrough: 9,
    })
    assert.deepEqual(await store.mark({ topic: 'marks', partition: 1 }), nothing)
  })

  it('takes the rows of one INSERT whole or not at all', async () => {
    const tested = target()
    const { store } = tested
    const first = await groupOf('whole', 1, MARCH_MS)
    const next = await groupOf('whole', 3, MARCH_MS)
    const body = [...first.letters.body, ...next.letters.body]
    await store.insert({ ...first.letters, body }, 'whole/1')
    assert.equal(await tested.count('dead_letters', 'whole'), 4)
    const broken = [...first.letters.body, { rows: Buffer.from([3, 120]), packed: false }]
    await assert.rejects(store.insert({ ...first.letters, body: broken }, 'whole/2'), ClickhouseRefused)
    assert.equal(await tested.count('dead_letters', 'whole'), 4, 'its first block is not there either')
  })

  it('refuses what it cannot take, which is not the same as being away', async () => {
    const { store, away } = target()
    const { letters } = await groupOf('refused', 1, MARCH_MS)
    await assert.rejects(store.insert({ ...letters, table: 'no_such_table' }, 'refused/1'), ClickhouseRefused)
    await assert.rejects(away.insert(letters, 'refused/2'), ClickhouseAway)
    await assert.rejects(away.holds(source('refused'), letters), ClickhouseAway)
    await assert.rejects(away.loadedSeq(source('refused')), ClickhouseAway)
  })
}

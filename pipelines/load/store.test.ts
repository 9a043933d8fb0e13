import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fakeClickhouse } from '../../test/support/servers/clickhouse.ts'
import type { RawInsert } from '../clickhouse/client.ts'
import { ClickhouseAway, ClickhouseRefused } from '../clickhouse/errors.ts'
import { failingOver } from '../clickhouse/replicas.ts'
import type { Insert } from './group.ts'
import { INSERT_TIME_LIMIT_MS, QUORUM_TIME_LIMIT_MS, openBlockStore } from './store.ts'

// The contract tests the store against one real server; this tests what it sends to several replicas.

const SOURCE = { topic: 'usage.blocks', partition: 3 }
const INSERT: Insert = {
  table: 'usage_1m',
  columns: ['a'],
  format: 'RowBinary',
  month: '202611',
  firstSeq: 7,
  body: [],
}

interface Replica {
  readonly seq?: number
  readonly found?: boolean
  readonly isAway?: boolean
  readonly engine?: string
}

function storeOf(replicas: readonly Replica[]) {
  const asked: string[] = []
  const inserts: RawInsert[] = []
  const clients = replicas.map(
    ({ seq = 0, found = false, isAway = false, engine = 'ReplicatedMergeTree' }, place) =>
      fakeClickhouse(
        {
          rows: async (sql) => {
            asked.push(`${place} ${sql.includes('usage_1m') ? 'look' : 'watermarks'}`)
            if (isAway) throw new ClickhouseAway('no connection')
            return [{ seq: String(seq), found: Number(found), engine, database: 'd' }]
          },
          command: async (sql) => void asked.push(`${place} ${sql}`),
          insertRaw: async (insert) => void inserts.push(insert),
        },
        'hive',
      ),
  )
  return { store: openBlockStore(failingOver(clients)), asked, inserts }
}

describe('the store on a cluster', () => {
  it('inserts for a majority, side by side with others, within the time of an INSERT', async () => {
    const { store, inserts } = storeOf([{}, {}, {}])
    await store.insert(INSERT, 'token')
    const [insert] = inserts
    assert.equal(inserts.length, 1)
    assert.equal(insert?.settings?.['insert_quorum'], 'auto')
    assert.equal(insert?.settings?.['insert_quorum_parallel'], 1)
    assert.equal(insert?.settings?.['insert_quorum_timeout'], QUORUM_TIME_LIMIT_MS)
    assert.equal(insert?.settings?.['insert_deduplication_token'], 'token')
    assert.ok(QUORUM_TIME_LIMIT_MS < INSERT_TIME_LIMIT_MS)
    assert.equal(store.atomicTokens, true)
  })

  it('sends none of that to a single server', async () => {
    const inserts: RawInsert[] = []
    const store = openBlockStore(fakeClickhouse({ insertRaw: async (insert) => void inserts.push(insert) }))
    await store.insert(INSERT, 'token')
    assert.deepEqual(
      Object.keys(inserts[0]?.settings ?? {}).filter(
        (name) => name.includes('quorum') || name.includes('keeper'),
      ),
      [],
    )
    assert.equal(store.atomicTokens, false)
  })

  it('waits for each replica before it looks there, and believes a majority', async () => {
    const { store, asked } = storeOf([{ found: true }, { found: false }, { found: true }])
    assert.equal(await store.holds(SOURCE, INSERT), true)
    for (const place of [0, 1, 2]) {
      const order = asked.filter((line) => line.startsWith(`${place} `))
      assert.deepEqual(order, [`${place} SYSTEM SYNC REPLICA usage_1m LIGHTWEIGHT`, `${place} look`])
    }
    assert.equal(await storeOf([{}, {}, { isAway: true }]).store.holds(SOURCE, INSERT), false)
    // One copy, without any acknowledgement as far as is known: it is neither there nor absent.
    await assert.rejects(storeOf([{ found: true }, {}, {}]).store.holds(SOURCE, INSERT), ClickhouseAway)
  })

  it('has loaded what the most advanced of a majority says', async () => {
    assert.equal(await storeOf([{ seq: 4 }, { seq: 9 }, { isAway: true }]).store.loadedSeq(SOURCE), 9)
    await assert.rejects(storeOf([{ seq: 4 }, { isAway: true }, { isAway: true }]).store.loadedSeq(SOURCE), {
      name: 'ClickhouseAway',
      message: /as a majority: of 3 replicas 1 answered/,
    })
  })

  it('refuses tables that are not replicated', async () => {
    const plain = { engine: 'AggregatingMergeTree' }
    await assert.rejects(storeOf([plain, plain]).store.loadedSeq(SOURCE), ClickhouseRefused)
  })
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { AUDIT_KINDS } from '../../schemas/audit.ts'
import type { AuditItem } from '../../schemas/http/audit.ts'
import { formatUuid, hashToUuid } from '../../schemas/ids.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import { Accounts } from '../../services/reader/present/accounts.ts'
import { dateTime, openHistory } from '../support/records/history.ts'
import type { HistoryDatabase, HistoryRow } from '../support/records/history.ts'
import { PARTITIONS, TOPICS, startTestReader } from '../support/memory/reader.ts'
import type { TestReader } from '../support/memory/reader.ts'

/** GET /api/audit on real tables. */

const PORT = 26_409
const START = Date.UTC(2026, 1, 20, 12)
const NOW = START + 3_600_000
const WATERMARK = START + 600_000

let history: HistoryDatabase
let reader: TestReader

interface Noted {
  readonly partition: number
  readonly seq: number
  readonly notedMs: number
  readonly id: string
  readonly kind: string
  readonly times: number
}

/** Entries, some of them at the same time, in several partitions and blocks. */
const notes: readonly Noted[] = Array.from({ length: 60 }, (_, index) => ({
  partition: index % 3,
  seq: 1 + Math.floor(index / 5),
  notedMs: START + Math.floor(index / 4) * 1_000,
  id: formatUuid(hashToUuid(`entry ${index}`)),
  kind: AUDIT_KINDS[index % AUDIT_KINDS.length] ?? '',
  times: index + 1,
}))

const rowOf = ({ partition, seq, notedMs, id, kind, times }: Noted): HistoryRow => ({
  src_topic: TOPICS.settlementBlocks,
  src_partition: partition,
  src_seq: seq,
  noted_at: dateTime(notedMs, 3),
  entry_id: id,
  kind,
  subject: kind === 'tier_changed' ? '' : `key:${kind}`,
  node_id: kind === 'tier_changed' ? 'node-a' : '',
  address: '',
  value_before: kind === 'tier_changed' ? 'flat' : '',
  value_after: kind === 'tier_changed' ? 'regional' : '',
  times,
  reason: 'a reason',
})

/** The entries as the log has them, the newest first. */
const newestFirst = notes.toSorted(
  (left, right) =>
    right.notedMs - left.notedMs ||
    right.partition - left.partition ||
    right.seq - left.seq ||
    (halves(left.id) < halves(right.id) ? 1 : -1),
)

/** ClickHouse orders UUIDs by their second half first. */
function halves(id: string): string {
  const hex = id.replaceAll('-', '')
  return hex.slice(16) + hex.slice(0, 16)
}

before(async () => {
  history = await openHistory(process.env, PORT)
  await history.insert('audit', notes.map(rowOf))
  // A partition that is ahead of the others: they may still write a row before this one.
  const ahead = { partition: 1, seq: 99, notedMs: WATERMARK + WATERMARK_DELAY_MS, kind: 'key_made', times: 1 }
  await history.insert('audit', [rowOf({ ...ahead, id: formatUuid(hashToUuid('ahead')) })])
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const row = { src_topic: TOPICS.settlementBlocks, src_partition: partition, src_seq: 99 }
    await history.insert('watermarks', [
      { ...row, watermark: dateTime(WATERMARK + (partition === 0 ? 0 : 60_000), 3) },
    ])
  }
  reader = await startTestReader({
    accounts: new Accounts(PARTITIONS),
    clickhouse: history.client,
    nowMs: NOW,
  })
})

after(async () => {
  await reader?.[Symbol.asyncDispose]()
  await history?.[Symbol.asyncDispose]()
})

for (const limit of [1, 7, 500]) {
  test(`a walk in pages of ${limit} gives each row once, the newest first, and none that others may still come before`, async () => {
    const found = await reader.walk<AuditItem>('/api/audit?', limit)
    assert.deepEqual(
      found.map(({ id }) => id),
      newestFirst.map(({ id }) => id),
    )
  })
}

test('a row is shown as it stands, without what it has not', async () => {
  const at = notes.findIndex(({ kind }) => kind === 'tier_changed')
  const { notedMs, id, times } = notes[at] as Noted
  const found = await reader.walk<AuditItem>('/api/audit?', 500)
  assert.deepEqual(
    found.find((item) => item.id === id),
    {
      id,
      at: new Date(notedMs).toISOString(),
      kind: 'tier_changed',
      subject: null,
      node_id: 'node-a',
      address: null,
      before: 'flat',
      after: 'regional',
      count: times,
      reason: 'a reason',
    },
  )
})

test('from, to and kind narrow it down; a cursor goes on with its own parameters only', async () => {
  const [fromMs, toMs] = [START + 2_000, START + 9_000]
  const range = `from=${fromMs}&to=${toMs}`
  const within = newestFirst.filter(({ notedMs }) => notedMs >= fromMs && notedMs < toMs)
  assert.deepEqual(
    (await reader.walk<AuditItem>(`/api/audit?${range}`, 5)).map(({ id }) => id),
    within.map(({ id }) => id),
  )
  const made = await reader.walk<AuditItem>(`/api/audit?${range}&kind=key_made`, 2)
  assert.deepEqual(
    made.map(({ id }) => id),
    within.filter(({ kind }) => kind === 'key_made').map(({ id }) => id),
  )
  const { next_cursor } = (await reader.get(`/api/audit?${range}&limit=2`)).json<{ next_cursor: string }>()
  for (const other of [`${range}&kind=key_made`, `from=${fromMs}&to=${toMs + 1}`]) {
    const answer = await reader.get(`/api/audit?${other}&limit=2&cursor=${next_cursor}`)
    assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [422, 'invalid_cursor'])
  }
  for (const wrong of ['kind=nothing', 'node_id=n', 'from=soon', `from=${toMs}&to=${fromMs}`])
    assert.equal((await reader.get(`/api/audit?${wrong}`)).statusCode, 422, wrong)
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { partitionOfNode } from '../../schemas/ids.ts'
import type { EventItem } from '../../schemas/http/usage.ts'
import type { OpenCostItem, SettlementItem } from '../../schemas/http/settlements.ts'
import type { WalletEntryItem } from '../../schemas/http/wallets.ts'
import { Accounts } from '../../services/reader/present/accounts.ts'
import { openHistory } from '../support/records/history.ts'
import type { HistoryDatabase } from '../support/records/history.ts'
import {
  EVENTS,
  NODE,
  NOW,
  RANGES,
  SETTLED_TO,
  START,
  costs,
  entries,
  eventId,
  fateOf,
  fillMoney,
  fillUsage,
  fillWallets,
  nanoUsd,
  occurredAt,
  payable,
  receivedAt,
  settlementId,
  spark,
} from '../support/records/money-fixture.ts'
import { PARTITIONS, parseCsv, startTestReader } from '../support/memory/reader.ts'
import type { TestReader } from '../support/memory/reader.ts'
import { account, accountRecord } from '../support/records/state-records.ts'

/** Single events, the results of their costs, settlements, and the entries of a wallet. */

const PORT = 26_403

let history: HistoryDatabase
let reader: TestReader

before(async () => {
  history = await openHistory(process.env, PORT)
  const accounts = new Accounts(PARTITIONS)
  for (const node_id of [NODE, 'other']) {
    const partition = partitionOfNode(node_id, PARTITIONS)
    accounts.apply(accountRecord(partition, account({ node_id, operators: ['ana'] })))
  }
  await fillUsage(history)
  await fillMoney(history)
  await fillWallets(history)
  reader = await startTestReader({ accounts, clickhouse: history.client, nowMs: NOW })
})

after(async () => {
  await reader?.[Symbol.asyncDispose]()
  await history?.[Symbol.asyncDispose]()
})

for (const limit of [7, 50, 500]) {
  test(`a walk over events in pages of ${limit} gives each loaded one once, in the order of the log`, async () => {
    const found = await reader.walk<EventItem>(`/api/usage/events?node_id=${NODE}`, limit)
    const expected = Array.from({ length: EVENTS - 3 }, (_, index) =>
      index % 3 === 0 ? `order "${index}"` : eventId(index),
    )
    assert.deepEqual(
      found.map((item) => item.event_id),
      expected,
    )
  })
}

test('each event shows what became of its cost', async () => {
  const found = await reader.walk<EventItem>(`/api/usage/events?node_id=${NODE}`, 500)
  for (const [index, item] of found.entries()) {
    const fate = fateOf(index)
    const cost = costs.find((one) => one.index === index)
    const isPaid = cost !== undefined && payable(0, SETTLED_TO).includes(cost)
    const range = RANGES.find(({ from, to }) => cost !== undefined && cost.seq > from && cost.seq <= to)
    assert.equal(item.decision, fate === 'not decided yet' ? null : fate, `event ${index}`)
    assert.equal(item.cost_seq, cost?.seq ?? null)
    assert.equal(item.spark, cost === undefined ? null : spark(index))
    const onItsWay = cost !== undefined && payable(SETTLED_TO, 62).includes(cost)
    const paidBy = isPaid && range !== undefined ? settlementId(range.to) : onItsWay ? settlementId(62) : null
    assert.equal(item.settlement_id, paidBy, `event ${index}`)
    assert.equal(item.settled_at === null, paidBy === null)
    assert.equal(item.usd_exact, fate === 'zero' ? '0' : exactUsd(nanoUsd(index)))
  }
})

test('an event shows measured and estimated numbers as what they are', async () => {
  const found = await reader.walk<EventItem>(`/api/usage/events?node_id=${NODE}`, 500)
  const [even, odd] = [found[2] as EventItem, found[3] as EventItem]
  assert.deepEqual(
    [
      even.duration_ms,
      even.gpu_ms,
      even.gpu_estimated,
      even.energy_mwh,
      even.energy_source,
      even.operator_id,
    ],
    [null, 3, true, 3, 'estimate', 'ana'],
  )
  assert.deepEqual(
    [odd.duration_ms, odd.gpu_ms, odd.gpu_estimated, odd.energy_mwh, odd.energy_source, odd.operator_id],
    [5, 1_500, false, 71, 'meter', null],
  )
  assert.equal(found[9]?.late, true)
  assert.equal(found[10]?.late, false)
})

test('events by event time, half-open; a cursor keeps to the bounds it was made with', async () => {
  const [from, to] = [START + 10_000, START + 20_000]
  const url = `/api/usage/events?node_id=${NODE}&from=${from}&to=${to}`
  const found = await reader.walk<EventItem>(url, 3)
  const expected = Array.from({ length: EVENTS - 3 }, (_, index) => occurredAt(index)).filter(
    (atMs) => atMs >= from && atMs < to,
  )
  assert.deepEqual(
    found.map((item) => Date.parse(item.occurred_at)),
    expected,
  )
  const first = await reader.get(`${url}&limit=3`)
  const { next_cursor } = first.json<{ next_cursor: string }>()
  const moved = await reader.get(
    `/api/usage/events?node_id=${NODE}&from=${from}&to=${to + 1}&cursor=${next_cursor}`,
  )
  assert.equal(moved.statusCode, 422)
  assert.equal(moved.json<{ code: string }>().code, 'invalid_cursor')
})

test('settlements, each once, oldest first; one whose group is not whole is not there', async () => {
  for (const limit of [1, 2, 500]) {
    const found = await reader.walk<SettlementItem>(`/api/settlements?node_id=${NODE}`, limit)
    assert.deepEqual(
      found.map((item) => [item.from_seq, item.to_seq, item.reason, item.settlement_id]),
      RANGES.map(({ from, to, reason }) => [from, to, reason, settlementId(to)]),
    )
    for (const item of found) {
      const paid = payable(Number(item.from_seq), Number(item.to_seq))
      assert.equal(item.costs, paid.length)
      assert.equal(
        item.spark,
        paid.reduce((sum, { index }) => sum + spark(index), 0),
      )
      const nano = paid.reduce((sum, { index }) => sum + nanoUsd(index), 0)
      assert.equal(Math.round(Number(item.usd_exact) * 1e9), nano)
    }
  }
})

test('open costs: pending ones that no range holds, and refused ones for good, with their age', async () => {
  const expected = costs.filter(
    ({ seq, fate }) => seq > SETTLED_TO || fate === 'not_allowed' || fate === 'over_limit',
  )
  assert.ok(expected.some(({ fate }) => fate === 'pending') && expected.some(({ seq }) => seq < SETTLED_TO))
  for (const limit of [3, 500]) {
    const found = await reader.walk<OpenCostItem>(`/api/settlements/pending?node_id=${NODE}`, limit)
    assert.deepEqual(
      found.map((item) => [item.cost_seq, item.decision, item.event_id, item.age_seconds]),
      expected.map(({ index, seq, fate }) => [
        seq,
        fate,
        index % 3 === 0 ? `order "${index}"` : eventId(index),
        Math.floor((NOW - receivedAt(index) - 50) / 1_000),
      ]),
    )
  }
})

function exactUsd(nano: number): string {
  const digits = String(nano).padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '')
}

/** In the order of log time, partition, block, entry. */
const inOrder = entries.toSorted(
  (a, b) =>
    a.bookedMs - b.bookedMs ||
    a.partition - b.partition ||
    a.seq - b.seq ||
    compareUuids(a.entryId, b.entryId),
)

/** ClickHouse compares the second half of a UUID first. */
function compareUuids(left: string, right: string): number {
  const key = (uuid: string) => uuid.slice(19) + uuid.slice(0, 18)
  return key(left) < key(right) ? -1 : Number(key(left) > key(right))
}

test('entries of a wallet with running balances, whatever the pages', async () => {
  let balance = 0n
  const expected = inOrder.map((entry) => {
    balance += entry.microSpark
    return [entry.entryId, Number(entry.microSpark), Number(balance)]
  })
  for (const limit of [4, 10, 500]) {
    const found = await reader.walk<WalletEntryItem>('/api/wallets/ana/entries?', limit)
    assert.deepEqual(
      found.map((item) => [item.entry_id, item.micro_spark, item.balance_micro_spark]),
      expected,
    )
  }
})

test('entries as CSV say what JSON says, and link to the next page', async () => {
  let [json, csv] = ['/api/wallets/ana/entries?limit=20', '/api/wallets/ana/entries?limit=20']
  for (let pages = 0; pages < 3; pages++) {
    const page = (await reader.get(json)).json<{ items: WalletEntryItem[]; next_cursor: string | null }>()
    const answer = await reader.get(csv, 'text/csv')
    assert.deepEqual(
      parseCsv(answer.body),
      page.items.map((item) =>
        Object.fromEntries(Object.entries(item).map(([name, value]) => [name, String(value)])),
      ),
    )
    const link = /^<(.+)>; rel="next"$/.exec(answer.headers['link']?.toString() ?? '')?.[1]
    assert.equal(link === undefined, page.next_cursor === null)
    if (link === undefined) return
    csv = link
    json = `/api/wallets/ana/entries?limit=20&cursor=${page.next_cursor}`
  }
})

test('what another node did is not shown', async () => {
  const found = await reader.walk<OpenCostItem>('/api/settlements/pending?node_id=other', 500)
  assert.deepEqual(found, [])
  assert.deepEqual(await reader.walk('/api/settlements?node_id=other', 500), [])
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { Accounts } from '../../services/reader/present/accounts.ts'
import { dateTime, openHistory } from '../support/records/history.ts'
import type { HistoryDatabase, HistoryRow } from '../support/records/history.ts'
import { PARTITIONS, TOPICS, parseCsv, startTestReader } from '../support/memory/reader.ts'
import type { TestReader } from '../support/memory/reader.ts'
import { account, accountRecord, taskRecord } from '../support/records/state-records.ts'

/** Windows of usage, compared with sums that the test computes itself from the same deltas. */

const PORT = 26_402
const MINUTE = 60_000
const QUARTER = 15 * MINUTE
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const NODE = 'node-a'
const PARTITION = partitionOfNode(NODE, PARTITIONS)
/** A whole day, some days ago: minutes of it are still kept. */
const BASE = Math.floor(systemClock.nowMs() / DAY) * DAY - 5 * DAY
const WATERMARK = BASE + 2 * DAY + 7 * HOUR + 11 * MINUTE + 1_234

interface Delta {
  readonly node: string
  readonly atMs: number
  readonly model: string
  readonly source: 'own' | 'hive' | 'idle'
  readonly events: number
  readonly late: number
  readonly nanoUsd: bigint
}

/** Random numbers that repeat: a run that fails can be run again. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const next = numbers(42)
const MODELS = ['llama', 'gpt-4.1', '=cmd, "x"']
const SOURCES = ['own', 'hive', 'idle'] as const

const recent: Delta[] = Array.from({ length: 600 }, () => ({
  node: NODE,
  atMs: BASE + next(3 * DAY),
  model: MODELS[next(3)] as string,
  source: SOURCES[next(3)] as Delta['source'],
  events: 1 + next(5),
  late: next(10) === 0 ? 1 : 0,
  nanoUsd: BigInt(next(2_000_000_000)) * 1_000_003n,
}))

/**
 * Around both changes of Berlin's clocks in 2024 and one of Lord Howe's: long ago, so that only windows of 15 minutes are
 * kept.
 */
const clockChanges: Delta[] = ['2024-03-30T20:00Z', '2024-10-26T20:00Z', '2024-04-06T10:00Z'].flatMap(
  (from) =>
    Array.from({ length: 200 }, (_, index) => ({
      node: NODE,
      atMs: Date.parse(from) + index * QUARTER,
      model: 'llama',
      source: 'hive' as const,
      events: 1 + next(3),
      late: 0,
      nanoUsd: BigInt(next(1_000)),
    })),
)

let history: HistoryDatabase
let reader: TestReader

/** The receipt of its events, where they came late. */
const receiptOf = ({ atMs }: Delta): number => atMs + HOUR + 7

function deltaRow(
  delta: Delta,
  windowMs: number,
  seq: number,
  topic: string = TOPICS.usageBlocks,
): HistoryRow {
  return {
    src_topic: topic,
    src_partition: partitionOfNode(delta.node, PARTITIONS),
    src_seq: seq,
    node_id: delta.node,
    window_start: dateTime(Math.floor(delta.atMs / windowMs) * windowMs, 0),
    model_id: delta.model,
    task_source: delta.source,
    events: delta.events,
    late_events: delta.late,
    late_at: dateTime(delta.late > 0 ? receiptOf(delta) : 0, 3),
    tokens_in: delta.events * 100,
    tokens_out: delta.events * 7,
    gpu_ms_measured: delta.events * 1_001,
    gpu_ms_estimated: delta.events * 10,
    energy_mwh_measured: delta.events * 49,
    energy_mwh_estimated: delta.events,
    energy_mwh_compatible: delta.events * 1_000,
    cost_nano_usd: delta.nanoUsd,
  }
}

before(async () => {
  history = await openHistory(process.env, PORT)
  const accounts = new Accounts(PARTITIONS)
  for (const nodeId of [NODE, 'other', 'silent']) {
    accounts.apply(accountRecord(partitionOfNode(nodeId, PARTITIONS), account({ node_id: nodeId })))
  }
  accounts.apply(taskRecord(PARTITION, WATERMARK + 1))
  reader = await startTestReader({ accounts, clickhouse: history.client, nowMs: BASE + 3 * DAY })
  // Three INSERTs of interleaved deltas: a window's rows are in several parts, merged or not.
  const all = [...recent, ...clockChanges]
  for (const part of [0, 1, 2]) {
    const deltas = all.filter((_, index) => index % 3 === part)
    const seq = part + 1
    for (const [table, windowMs] of [['usage_1m', MINUTE] as const, ['usage_15m', QUARTER] as const]) {
      const byMonth = Map.groupBy(deltas, ({ atMs }) => new Date(atMs).toISOString().slice(0, 7))
      for (const ofMonth of byMonth.values()) {
        await history.insert(
          table,
          ofMonth.map((delta) => deltaRow(delta, windowMs, seq)),
        )
      }
    }
  }
  const strangers = recent.slice(0, 50)
  for (const [table, windowMs] of [['usage_1m', MINUTE] as const, ['usage_15m', QUARTER] as const]) {
    await history.insert(
      table,
      strangers.map((delta) => deltaRow({ ...delta, node: 'other' }, windowMs, 9)),
    )
    await history.insert(
      table,
      strangers.map((delta) => deltaRow(delta, windowMs, 9, `test.${TOPICS.usageBlocks}`)),
    )
  }
  const row = { src_topic: TOPICS.usageBlocks, src_partition: PARTITION }
  await history.insert('watermarks', [{ ...row, src_seq: 2, watermark: dateTime(WATERMARK - HOUR, 3) }])
  await history.insert('watermarks', [{ ...row, src_seq: 3, watermark: dateTime(WATERMARK, 3) }])
})

after(async () => {
  await reader?.[Symbol.asyncDispose]()
  await history?.[Symbol.asyncDispose]()
})

interface Item extends Record<string, unknown> {
  readonly window_start: string
  readonly window_end: string
  readonly inferences: number
  readonly usd_exact: string
  readonly late: boolean
  readonly revised_at: string | null
  readonly final: boolean
}

async function items(query: string): Promise<Item[]> {
  const answer = await reader.get(`/api/usage?node_id=${NODE}&${query}`)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<{ items: Item[] }>().items
}

/** Sums of deltas by window and group, as text: the content that the answer must have. */
function expected(
  deltas: readonly Delta[],
  windowOf: (atMs: number) => readonly [startMs: number, endMs: number],
  groups: readonly ('model' | 'source')[],
): string[] {
  const grouped = Map.groupBy(deltas, (delta) =>
    [...windowOf(delta.atMs), ...groups.map((group) => delta[group])].join('|'),
  )
  return [...grouped]
    .map(([key, of]) => {
      const events = of.reduce((sum, { events: more }) => sum + more, 0)
      const nanoUsd = of.reduce((sum, delta) => sum + delta.nanoUsd, 0n)
      const usd = `${nanoUsd / 1_000_000_000n}.${String(nanoUsd % 1_000_000_000n).padStart(9, '0')}`
      const receipts = of.filter(({ late }) => late > 0).map(receiptOf)
      return [key, events, usd, receipts.length > 0, Math.max(0, ...receipts)].join('|')
    })
    .sort()
}

function shown(found: readonly Item[], groups: readonly ('model_id' | 'task_source')[]): string[] {
  return found
    .map((item) => {
      const [whole = '', fraction = ''] = item.usd_exact.split('.')
      const usd = `${whole}.${fraction.padEnd(9, '0')}`
      const window = [Date.parse(item.window_start), Date.parse(item.window_end)]
      const came = [item.late, Date.parse(item.revised_at ?? new Date(0).toISOString())]
      return [...window, ...groups.map((group) => item[group]), item.inferences, usd, ...came].join('|')
    })
    .sort()
}

const even = (lengthMs: number) => (atMs: number) => {
  const startMs = Math.floor(atMs / lengthMs) * lengthMs
  return [startMs, startMs + lengthMs] as const
}

const LENGTHS = { '1m': MINUTE, '1h': HOUR, '1d': DAY } as const

for (const [window, lengthMs] of Object.entries(LENGTHS)) {
  for (const groups of [[], ['model_id'], ['task_source'], ['model_id', 'task_source']] as const) {
    test(`window=${window} grouped by ${groups.join(' and ') || 'nothing'} equals the deltas`, async () => {
      // Bounds inside of windows: every window that overlaps the range is shown as a whole.
      const fromMs = BASE + 5 * HOUR + 90_500
      const toMs = BASE + 2 * DAY + 3 * HOUR + 30_500
      const [low] = even(lengthMs)(fromMs)
      const [, high] = even(lengthMs)(toMs - 1)
      const within = recent.filter(({ atMs }) => atMs >= low && atMs < high)
      const names = groups.map((group) => (group === 'model_id' ? 'model' : 'source'))
      const by = groups.length === 0 ? '' : `&group_by=${groups.join(',')}`
      const found = await items(`window=${window}&from=${fromMs}&to=${toMs}${by}`)
      assert.ok(within.length > 100)
      assert.deepEqual(shown(found, groups), expected(within, even(lengthMs), names))
      const starts = found.map((item) => item.window_start)
      assert.deepEqual(starts, starts.toSorted(), 'oldest first')
      for (const item of found) assert.equal(item.final, Date.parse(item.window_end) <= WATERMARK)
    })
  }
}

test('total is one window to the minute, of quarters and the minutes at its ends', async () => {
  const cases = [
    [BASE + 7 * MINUTE + 30_000, BASE + DAY + 22 * MINUTE + 1],
    [BASE + HOUR, BASE + 2 * HOUR],
    [BASE + HOUR + MINUTE, BASE + HOUR + 14 * MINUTE],
    [BASE + HOUR + 10 * MINUTE, BASE + HOUR + 20 * MINUTE],
    [BASE, BASE + 3 * DAY],
  ] as const
  for (const [fromMs, toMs] of cases) {
    const low = Math.floor(fromMs / MINUTE) * MINUTE
    const high = Math.ceil(toMs / MINUTE) * MINUTE
    const within = recent.filter(({ atMs }) => atMs >= low && atMs < high)
    const found = await items(`window=total&from=${fromMs}&to=${toMs}`)
    assert.deepEqual(
      shown(found, []),
      expected(within, () => [low, high], []),
    )
    const grouped = await items(`window=total&group_by=model_id&from=${fromMs}&to=${toMs}`)
    assert.deepEqual(
      shown(grouped, ['model_id']),
      expected(within, () => [low, high], ['model']),
    )
  }
})

test('total beyond the minutes that are kept is widened to quarters of an hour', async () => {
  const answer = await reader.get(
    `/api/usage?node_id=${NODE}&window=total&from=2024-03-30T20:05:00Z&to=2024-03-31T04:40:00Z`,
  )
  const { from, to, items: found } = answer.json<{ from: string; to: string; items: Item[] }>()
  assert.deepEqual([from, to], ['2024-03-30T20:00:00.000Z', '2024-03-31T04:45:00.000Z'])
  const range = [Date.parse(from), Date.parse(to)] as const
  const within = clockChanges.filter(({ atMs }) => atMs >= range[0] && atMs < range[1])
  assert.deepEqual(
    shown(found, []),
    expected(within, () => range, []),
  )
})

test('days of Berlin have 25 and 23 hours when its clocks change, and lose nothing', async () => {
  const autumn = await items(
    'window=1d&tz=Europe/Berlin&from=2024-10-27T10:00:00%2B01:00&to=2024-10-28T10:00:00Z',
  )
  assert.deepEqual(
    autumn.map(({ window_start, window_end }) => [window_start, window_end]),
    [
      ['2024-10-26T22:00:00.000Z', '2024-10-27T23:00:00.000Z'],
      ['2024-10-27T23:00:00.000Z', '2024-10-28T23:00:00.000Z'],
    ],
  )
  const spring = await items('window=1d&tz=Europe/Berlin&from=2024-03-31T10:00:00Z&to=2024-03-31T11:00:00Z')
  const dayOf = (borders: readonly string[]) => (atMs: number) => {
    const times = borders.map((border) => Date.parse(border))
    const index = times.findIndex((border) => border > atMs)
    return [times[index - 1] as number, times[index] as number] as const
  }
  const springDay = ['2024-03-30T23:00:00Z', '2024-03-31T22:00:00Z']
  const inSpring = clockChanges.filter(
    ({ atMs }) => atMs >= Date.parse(springDay[0] as string) && atMs < Date.parse(springDay[1] as string),
  )
  assert.equal(inSpring.length, 23 * 4)
  assert.deepEqual(shown(spring, []), expected(inSpring, dayOf(springDay), []))
  const autumnDay = ['2024-10-26T22:00:00Z', '2024-10-27T23:00:00Z']
  const inAutumn = clockChanges.filter(
    ({ atMs }) => atMs >= Date.parse(autumnDay[0] as string) && atMs < Date.parse(autumnDay[1] as string),
  )
  assert.equal(inAutumn.length, 25 * 4)
  assert.deepEqual(shown(autumn.slice(0, 1), []), expected(inAutumn, dayOf(autumnDay), []))
})

test('hours of every zone add up to the days of the same zone', async () => {
  for (const tz of [
    'Europe/Berlin',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'America/St_Johns',
    '-09:30',
    'UTC',
  ]) {
    const zone = encodeURIComponent(tz)
    const range = 'from=2024-04-06T12:00:00Z&to=2024-04-07T12:00:00Z'
    const days = await items(`window=1d&tz=${zone}&${range}`)
    const [first, last] = [days[0] as Item, days.at(-1) as Item]
    const hours = await items(`window=1h&tz=${zone}&from=${first.window_start}&to=${last.window_end}`)
    for (const day of days) {
      const within = hours.filter(
        ({ window_start, window_end }) => window_start >= day.window_start && window_end <= day.window_end,
      )
      const sum = within.reduce((total, { inferences }) => total + inferences, 0)
      assert.equal(sum, day.inferences, `${tz} ${day.window_start}`)
    }
    const total = (of: readonly Item[]) => of.reduce((sum, { inferences }) => sum + inferences, 0)
    assert.equal(total(hours), total(days), tz)
  }
})

test('CSV says what JSON says', async () => {
  for (const query of [
    'window=1h&group_by=model_id,task_source',
    'window=1d&tz=Asia/Kolkata',
    'window=total',
  ]) {
    const url = `/api/usage?node_id=${NODE}&from=${BASE}&to=${BASE + 3 * DAY}&${query}`
    const json = await reader.get(url)
    const csv = await reader.get(url, 'text/csv')
    assert.equal(csv.headers['content-type'], 'text/csv; charset=utf-8; header=present')
    const { items: found, as_of } = json.json<{ items: Item[]; as_of: string }>()
    assert.equal(csv.headers['hivemeter-as-of'], as_of)
    const asText = found.map((item) =>
      Object.fromEntries(
        Object.entries(item).map(([name, value]) => {
          const text = `${(value ?? '') as string | number | boolean}`
          return [name, name === 'model_id' && text.startsWith('=') ? `'${text}` : text]
        }),
      ),
    )
    assert.ok(asText.length > 0)
    assert.deepEqual(parseCsv(csv.body), asText)
  }
})

test('the exact twins and the rounded numbers are of the same sums', async () => {
  const [day] = await items(`window=1d&from=${BASE}&to=${BASE + DAY}`)
  const events = recent.filter(({ atMs }) => atMs < BASE + DAY).reduce((sum, delta) => sum + delta.events, 0)
  assert.equal(day?.['gpu_ms'], events * 1_011)
  assert.equal(day?.['energy_mwh'], events * 50)
  assert.equal(day?.['gpu_hours'], Math.round(((events * 1_011) / 3_600_000) * 10_000) / 10_000)
  assert.equal(day?.['usd'], Math.round(Number(day?.usd_exact) * 10_000) / 10_000)
})

test('rolling periods of the provider view end at the watermark and count hive and idle work', async () => {
  for (const [period, hours] of [
    ['24h', 24],
    ['7d', 168],
  ] as const) {
    const answer = await reader.get(
      `/api/settings/compute/provider?node_id=${NODE}&period=${period}&mode=corrected`,
    )
    const view = answer.json<Record<string, unknown> & { compute_stats: Record<string, unknown> }>()
    const endMs = Math.floor(WATERMARK / MINUTE) * MINUTE
    const shared = recent.filter(
      ({ atMs, source }) => source !== 'own' && atMs >= endMs - hours * HOUR && atMs < endMs,
    )
    const events = shared.reduce((sum, delta) => sum + delta.events, 0)
    assert.equal(view.compute_stats['total_inferences'], events)
    assert.equal(view.compute_stats['energy_mwh'], events * 50)
    assert.equal(view['period_end'], new Date(endMs).toISOString())
    assert.equal(view['period_start'], new Date(endMs - hours * HOUR).toISOString())
    assert.equal(view['as_of'], new Date(WATERMARK).toISOString())
    assert.equal(view['final'], true)
  }
})

test('before anything is loaded nothing is final, and there is no as_of', async () => {
  const answer = await reader.get(`/api/usage?node_id=silent&from=${BASE}&to=${BASE + DAY}`)
  const body = answer.json<{ items: Item[]; as_of: string | null }>()
  assert.deepEqual(body.items, [])
  const answerOfOther = partitionOfNode('silent', PARTITIONS) === PARTITION
  assert.equal(body.as_of, answerOfOther ? new Date(WATERMARK).toISOString() : null)
})

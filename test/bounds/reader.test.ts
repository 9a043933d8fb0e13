import { topicNames } from '../../schemas/topics.ts'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { othersTurn } from '../../pipelines/in-turns.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { CURSOR_CHARACTERS_MAX, LIMIT_MAX, TIME_CHARACTERS_MAX } from '../../schemas/http/fields.ts'
import { MINUTES_KEPT_DAYS, WINDOWS_MAX, ZONE_CHARACTERS_MAX } from '../../schemas/http/usage.ts'
import { LETTER_CHARACTERS_MAX } from '../../schemas/http/set-aside.ts'
import { EVENT_ID_PATH_CHARACTERS_MAX } from '../../schemas/http/usage.ts'
import { OPERATOR_CHARACTERS_MAX } from '../../schemas/http/wallets.ts'
import { TEXT_CODE_POINTS_MAX } from '../../schemas/ids.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { describeError, EXIT, ExitError, exitCodeOf } from '../../services/runtime/exit.ts'
import { negotiate } from '../../services/http/negotiate.ts'
import { Problem } from '../../services/http/problem.ts'
import { parseTime, TIME_MS_MAX } from '../../services/http/times.ts'
import { Accounts } from '../../services/reader/present/accounts.ts'
import { buildReader } from '../../services/reader/app.ts'
import {
  HISTORY_REQUESTS_MAX,
  HISTORY_RUNNING_MAX,
  History,
  LOADED_AGE_MS_MAX,
} from '../../services/reader/history/history.ts'
import { DAY_MS, HOUR_MS } from '../../schemas/units.ts'
import type { ReaderApp } from '../../services/reader/parts.ts'
import { planUsage } from '../../services/reader/history/usage-plan.ts'
import { bound } from '../support/oracles/named-bounds.ts'
import { account, accountRecord, taskRecord } from '../support/records/state-records.ts'
import { fakeClickhouse } from '../support/servers/clickhouse.ts'
import { VirtualClock } from '../support/memory/virtual-clock.ts'
import { unheardCommands } from '../support/records/unheard-commands.ts'
import { MemoryModels } from '../support/memory/memory-models.ts'
import { putBackNothing } from '../support/memory/put-back.ts'
import { noInventories } from '../support/memory/no-inventories.ts'
import { loadedFleet } from '../support/memory/loaded-fleet.ts'

const TOPICS = topicNames('')
const NOW = Date.UTC(2026, 10, 21, 12)
const clickhouse = fakeClickhouse({ rows: async () => [] })
let app: ReaderApp

before(async () => {
  const accounts = new Accounts(1)
  accounts.apply(taskRecord(0, NOW))
  accounts.apply(accountRecord(0, account({ node_id: 'n', operators: ['op'] })))
  app = await buildReader({
    putBack: putBackNothing(),
    ...noInventories(),
    models: new MemoryModels(),
    access: { mode: 'off' },
    commands: unheardCommands(),
    accounts,
    table: { loaded: true, reach: async () => true },
    fleet: loadedFleet(1),
    clickhouse,
    topics: TOPICS,
    partitions: 1,
    cursorKey: Buffer.alloc(32, 7),
    clock: new VirtualClock(NOW),
    logger: silentLogger,
    metrics: noMetrics,
    ops: async () => {},
  })
})
after(() => app.close())

const isProblem = (code: string) => (error: unknown) => error instanceof Problem && error.code === code

test('LIMIT_MAX, CURSOR_CHARACTERS_MAX, TIME_CHARACTERS_MAX, ZONE_CHARACTERS_MAX: one more is 422 at the parameter', async () => {
  const paths = async (url: string): Promise<string> => {
    const response = await app.inject(url)
    if (response.statusCode !== 422) return String(response.statusCode)
    const { errors } = response.json<{ errors: { path: string; code: string }[] }>()
    return errors.map(({ path, code }) => `${path} ${code}`).join()
  }
  const providers = '/api/settings/compute/providers'
  assert.equal(await paths(`${providers}?limit=${LIMIT_MAX}`), '200')
  assert.match(await paths(`${providers}?limit=${LIMIT_MAX + 1}`), /^\/limit /)
  // Within the bound the cursor is parsed, and it does not belong to this list.
  assert.equal(await paths(`${providers}?cursor=${'A'.repeat(CURSOR_CHARACTERS_MAX)}`), '/cursor invalid')
  const longer = await paths(`${providers}?cursor=${'A'.repeat(CURSOR_CHARACTERS_MAX + 1)}`)
  assert.match(longer, /^\/cursor /)
  assert.notEqual(longer, '/cursor invalid')
  const time = '2026-11-20T00:00:00.'
  const usage = '/api/usage?node_id=n'
  const timeOf = (characters: number) => `${time}${'0'.repeat(characters - time.length - 1)}Z`
  assert.equal(await paths(`${usage}&from=${timeOf(TIME_CHARACTERS_MAX)}`), '200')
  assert.match(await paths(`${usage}&from=${timeOf(TIME_CHARACTERS_MAX + 1)}`), /^\/from /)
  const zoned = async (characters: number) => {
    const response = await app.inject(`${usage}&tz=${'Z'.repeat(characters)}`)
    return response.json<{ errors: { message: string }[] }>().errors[0]?.message ?? ''
  }
  assert.match(await zoned(ZONE_CHARACTERS_MAX), /is no time zone/)
  assert.doesNotMatch(await zoned(ZONE_CHARACTERS_MAX + 1), /is no time zone/)
})

test('OPERATOR_CHARACTERS_MAX: a longer name in the path is refused', async () => {
  const answer = async (characters: number) =>
    (await app.inject(`/api/wallets/${'o'.repeat(characters)}`)).json<{ code: string; detail: string }>()
  assert.equal((await answer(OPERATOR_CHARACTERS_MAX)).code, 'wallet_not_found')
  assert.equal((await answer(OPERATOR_CHARACTERS_MAX + 1)).code, 'invalid_request')
})

test('EVENT_ID_PATH_CHARACTERS_MAX: the longest id fits, and a longer path is refused', async () => {
  const answer = async (id: string) =>
    (await app.inject(`/api/usage/events/${encodeURIComponent(id)}?node_id=n`)).json<{
      code: string
      detail: string
    }>()
  assert.notEqual((await answer('𝛼'.repeat(TEXT_CODE_POINTS_MAX))).code, 'invalid_url')
  const { code, detail } = await answer('e'.repeat(EVENT_ID_PATH_CHARACTERS_MAX + 1))
  assert.equal(code, 'invalid_url')
  assert.match(detail, new RegExp(`at most ${EVENT_ID_PATH_CHARACTERS_MAX} characters`))
})

test('LETTER_CHARACTERS_MAX: a longer name of a record is refused', async () => {
  const answer = async (characters: number) => {
    const id = `${'t'.repeat(characters - 4)}:0:1`
    const response = await app.inject({
      method: 'POST',
      url: `/api/usage/set-aside/${id}/replay`,
      payload: {},
    })
    return response.json<{ code: string }>().code
  }
  assert.notEqual(await answer(LETTER_CHARACTERS_MAX), 'invalid_request')
  assert.equal(await answer(LETTER_CHARACTERS_MAX + 1), 'invalid_request')
})

test('HISTORY_REQUESTS_MAX: half for one credential, one more at once is 503 overloaded; room is given back', async () => {
  const history = new History({
    client: clickhouse,
    clock: new VirtualClock(NOW),
    logger: silentLogger,
    topics: TOPICS,
  })
  const { promise, resolve } = Promise.withResolvers<number>()
  const half = HISTORY_REQUESTS_MAX / 2
  const requests = Array.from({ length: half }, () => history.ask('greedy', () => promise))
  await assert.rejects(
    history.ask('greedy', () => promise),
    isProblem('overloaded'),
  )
  // Another client is neither refused nor made to wait, though the first has everything that it may have.
  assert.equal(await history.ask('other', async () => 2), 2)
  resolve(1)
  assert.equal((await Promise.all(requests)).length, half)
  assert.equal(await history.ask('greedy', async () => 3), 3)
})

test('HISTORY_RUNNING_MAX: of one credential half as many ask ClickHouse at once, the rest waits its turn', async () => {
  const history = new History({
    client: clickhouse,
    clock: new VirtualClock(NOW),
    logger: silentLogger,
    topics: TOPICS,
  })
  const ends: (() => void)[] = []
  let running = 0
  const question = async (): Promise<void> => {
    running += 1
    await new Promise<void>((resolve) => ends.push(resolve))
  }
  const requests = Array.from({ length: HISTORY_REQUESTS_MAX / 2 }, () => history.ask('greedy', question))
  await setImmediate()
  assert.equal(running, HISTORY_RUNNING_MAX / 2)
  while (ends.length > 0) {
    ends.shift()?.()
    await setImmediate()
  }
  await Promise.all(requests)
  assert.equal(running, HISTORY_REQUESTS_MAX / 2)
})

test('LOADED_AGE_MS_MAX: what is loaded is asked again once the answer is so old, and after a failure at once', async () => {
  const clock = new VirtualClock(NOW)
  let queries = 0
  let isAway = false
  const client = fakeClickhouse({
    rows: async () => {
      queries++
      if (isAway) throw new Error('away')
      return [{ seq: String(queries), watermark_ms: String(NOW + queries) }]
    },
  })
  const history = new History({ client, clock, logger: silentLogger, topics: TOPICS })
  const seqOf = async (partition: number) =>
    (await history.loaded(history.source('usageEvents', partition), client))?.seq
  assert.deepEqual(
    await Promise.all([seqOf(0), seqOf(0), seqOf(1)]),
    ['1', '1', '2'],
    'one statement a partition',
  )
  clock.pass(LOADED_AGE_MS_MAX - 1)
  assert.equal(await seqOf(0), '1')
  clock.pass(1)
  isAway = true
  await assert.rejects(Promise.all([seqOf(0), seqOf(0)]))
  assert.equal(queries, 3)
  isAway = false
  assert.equal(await seqOf(0), '4')
})

test('WINDOWS_MAX: one window more is refused, in UTC and in a zone', async () => {
  const plan = (window: '1m' | '1h', tz: string, lengthMs: number, windows: number) =>
    planUsage({ window, tz, fromMs: NOW - windows * lengthMs, toMs: NOW }, NOW, othersTurn)
  for (const [window, tz, lengthMs] of [
    ['1m', 'UTC', 60_000],
    ['1h', 'UTC', HOUR_MS],
    ['1h', 'Asia/Kathmandu', HOUR_MS],
  ] as const) {
    // The clocks of Kathmandu are 45 minutes off: the range overlaps one window more than it fully contains.
    const most = tz === 'UTC' ? WINDOWS_MAX : WINDOWS_MAX - 1
    await plan(window, tz, lengthMs, most)
    await assert.rejects(plan(window, tz, lengthMs, most + 1), isProblem('too_many_windows'))
  }
})

test('for a node that is not there no windows are laid out, however many years are asked for', async (context) => {
  const formats = context.mock.getter(Intl.DateTimeFormat.prototype, 'format')
  const years = 'window=1d&tz=Europe/Berlin&from=1971-01-01T00:00:00Z&to=2100-01-01T00:00:00Z'
  const { statusCode } = await app.inject(`/api/usage?node_id=nobody&${years}`)
  assert.equal(statusCode, 404)
  assert.equal(formats.mock.callCount(), 0)
})

test('WINDOWS_PER_TURN: while windows of a century are laid out and written, others have their turns', async () => {
  const years = 'window=1d&tz=Europe/Berlin&from=1971-01-01T00:00:00Z&to=2100-01-01T00:00:00Z'
  const answers: number[] = []
  void app.inject(`/api/usage?node_id=n&${years}`).then(({ statusCode }) => answers.push(statusCode))
  let turns = 0
  for (; answers.length === 0; turns += 1) await setImmediate()
  assert.deepEqual(answers, [200])
  // 47,000 days, five hundred a turn.
  assert.ok(turns > 90, String(turns))
})

test('MINUTES_KEPT_DAYS less EXPIRY_MARGIN_MS: minutes from before are refused', async () => {
  const marginMs = bound('services/reader/history/usage-plan.ts', 'EXPIRY_MARGIN_MS')
  const keptFromMs = NOW - MINUTES_KEPT_DAYS * DAY_MS + marginMs
  const plan = (fromMs: number) =>
    planUsage({ window: '1m', tz: 'UTC', fromMs, toMs: keptFromMs + HOUR_MS }, NOW, othersTurn)
  assert.equal((await plan(keptFromMs)).range.fromMs, keptFromMs)
  await assert.rejects(plan(keptFromMs - 1), isProblem('windows_expired'))
})

test('TIME_MS_MAX: the last time that is one', () => {
  assert.equal(parseTime(String(TIME_MS_MAX)), TIME_MS_MAX)
  assert.equal(parseTime(String(TIME_MS_MAX + 1)), null)
  assert.equal(parseTime('2106-01-01T00:00:00.001Z'), null)
})

test('PREFERENCES_MAX: so many preferences of Accept are read, the next is passed over', () => {
  const preferencesMax = bound('services/http/negotiate.ts', 'PREFERENCES_MAX')
  const chosen = (before: number) =>
    negotiate(`${'application/xml, '.repeat(before)}text/csv`, ['application/json', 'text/csv'])
  assert.equal(chosen(preferencesMax - 1), 'text/csv')
  assert.throws(() => chosen(preferencesMax), isProblem('not_acceptable'))
})

test('CAUSES_MAX: so many causes of an error are looked at', () => {
  const causesMax = bound('services/runtime/exit.ts', 'CAUSES_MAX')
  const behind = (errors: number): Error => {
    let error: Error = new ExitError(EXIT.configuration, 'innermost')
    for (let outer = 0; outer < errors; outer += 1) error = new Error(`outer ${outer}`, { cause: error })
    return error
  }
  assert.equal(exitCodeOf(behind(causesMax - 1)), EXIT.configuration)
  assert.match(describeError(behind(causesMax - 1)), /innermost/)
  assert.equal(exitCodeOf(behind(causesMax)), EXIT.failure)
  assert.doesNotMatch(describeError(behind(causesMax)), /innermost/)
})

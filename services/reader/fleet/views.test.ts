import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { GATEWAY_TICKS } from '../../../pipelines/log/tick.ts'
import { TICK_KEY, tickCodec } from '../../../schemas/avro.ts'
import { workerTelemetryCodec } from '../../../schemas/fleet/codecs.ts'
import type { Sample, WorkerTelemetry } from '../../../schemas/fleet/records.ts'
import { FLEET_STATUSES } from '../../../schemas/http/fleet-views.ts'
import { DAY_MS, MINUTE_MS } from '../../../schemas/units.ts'
import { batch, item, sample } from '../../../test/support/records/fleet-items.ts'
import { SERIES_DAYS_MAX } from './series-route.ts'
import { BODIES } from '../../../test/support/records/inventory/inventory-commands.ts'
import { MemoryFleet } from '../../../test/support/memory/memory-fleet.ts'
import { startWholeReader } from '../../../test/support/memory/whole-reader.ts'
import type { WholeAnswer, WholeReader } from '../../../test/support/memory/whole-reader.ts'

const START = Date.UTC(2026, 10, 30, 14, 1)
const PROVIDER = 'krill'
const TERA = 1_000_000_000_000
const WORKERS = 7
const HEARD = 5

const fleet = new MemoryFleet(START)
let reader: WholeReader
const ids = new Map<string, string>()

before(async () => {
  reader = await startWholeReader({ inventories: fleet })
  await make('barn', 'locations', BODIES.location)
  await make('hall', 'containers', { ...BODIES.container, location: ids.get('barn'), name: 'Hall' })
  const hall = ids.get('hall')
  await make('row', 'containers', {
    ...BODIES.container,
    location: ids.get('barn'),
    name: 'Row',
    parent: hall,
  })
  await make('model', 'models', {
    make: 'Example',
    model: 'X1',
    algorithm: 'SHA-256',
    nominal_hashrate_hs: 100 * TERA,
    nominal_power_w: 3_000,
  })
  for (let number = 1; number <= WORKERS; number++) await makeWorker(number)
  // Half an hour of samples of five workers; one of them stands still, two were never heard.
  for (let atMs = START + 5 * MINUTE_MS; atMs <= START + 35 * MINUTE_MS; atMs += MINUTE_MS / 2) {
    fleet.nowMs = atMs
    await fleet.take(PROVIDER, workerTelemetryCodec.encode(samplesAt(atMs)))
    await fleet.take(TICK_KEY, tickCodec.encode({ written_by: GATEWAY_TICKS }))
  }
})
after(() => reader[Symbol.asyncDispose]())

let seq = 1
function samplesAt(atMs: number): WorkerTelemetry {
  const items = Array.from({ length: HEARD }, (_, index) => item({ sample: sampleOf(index + 1, atMs) }))
  const first_seq = seq
  seq += items.length
  const name = { provider_id: PROVIDER, location_id: ids.get('barn') ?? '', node_id: 'n' }
  return batch(items, { ...name, first_seq, low: { epoch: 1, seq: 1 } })
}

/** The first machine stands still, the second tells no watts. */
function sampleOf(number: number, atMs: number): Sample {
  const plain = sample(atMs)
  return {
    ...plain,
    serial: `HM-${number}`,
    hashrate_hs: { ...plain.hashrate_hs, now: number === 1 ? 0 : 90 * TERA },
    power_w: number === 2 ? null : 2_900,
    power_source: number === 2 ? null : 'miner_psu',
    is_mining: true,
  }
}

async function makeWorker(number: number): Promise<void> {
  const worker = await make(`w${number}`, 'workers', { asset_code: `A-${number}`, model: ids.get('model') })
  await make(`serial ${number}`, 'identities', { worker, kind: 'serial', value: `HM-${number}` })
  // The last one stands nowhere; the others in the hall or in the row that is in it.
  if (number === WORKERS) return
  const container = ids.get(number % 2 === 0 ? 'row' : 'hall')
  await make(`at ${number}`, 'assignments', { worker, location: ids.get('barn'), container })
}

async function make(name: string, path: string, body: object): Promise<string> {
  const { status, body: made } = await ask('POST', path, body)
  assert.equal(status, 201, JSON.stringify(made))
  ids.set(name, String(made['id']))
  return String(made['id'])
}

async function ask(method: string, path: string, body?: object): Promise<WholeAnswer> {
  const [place = '', query = ''] = path.split('?')
  const url = `/api/fleet/${place}?provider=${PROVIDER}${query === '' ? '' : `&${query}`}`
  return await reader.ask(method, url, { ...(body !== undefined && { body }) })
}

type Item = Readonly<Record<string, string | number | null>>
const itemsOf = ({ body }: WholeAnswer): Item[] => body['items'] as Item[]

/** All workers of a query, page by page. */
async function all(query: string, limit: number): Promise<Item[]> {
  const found: Item[] = []
  for (let cursor = ''; ; ) {
    const answer = await ask('GET', `workers?${query}&limit=${limit}${cursor}`)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    found.push(...itemsOf(answer))
    const next = answer.body['next_cursor'] as string | null
    if (next === null) return found
    cursor = `&cursor=${encodeURIComponent(next)}`
  }
}

describe('the views of a fleet', () => {
  const filters = (): string[] => [
    '',
    `location=${ids.get('barn')}`,
    `container=${ids.get('hall')}`,
    `container=${ids.get('row')}`,
    'algorithm=SHA-256',
    'algorithm=Scrypt',
  ]

  test('count every commissioned worker once, on every filter, and as the list has them', async () => {
    for (const filter of filters()) {
      const { status, body } = await ask('GET', `overview?${filter}`)
      assert.equal(status, 200)
      const statuses = body['statuses'] as Record<string, number>
      const counted = FLEET_STATUSES.reduce((sum, name) => sum + (statuses[name] ?? 0), 0)
      assert.equal(counted, body['commissioned'], filter)
      for (const name of FLEET_STATUSES) {
        const listed = await all(`${filter}&status=${name}`, 2)
        assert.equal(listed.length, statuses[name], `${filter} ${name}`)
      }
    }
    const { body } = await ask('GET', 'overview')
    assert.equal(body['commissioned'], WORKERS)
    assert.equal(
      (await ask('GET', `overview?container=${ids.get('hall')}`)).body['commissioned'],
      WORKERS - 1,
    )
    assert.equal((await ask('GET', `overview?container=${ids.get('row')}`)).body['commissioned'], 3)
    assert.equal(body['unplaced'], 1)
  })

  test('show what works, what stands still, and what was never heard', async () => {
    const reasons = new Map((await all('', 100)).map((one) => [one['asset_code'], one['reason']]))
    assert.equal(reasons.get('A-1'), 'not_hashing')
    assert.equal(reasons.get('A-3'), 'hashing')
    assert.equal(reasons.get('A-6'), 'never_seen')
  })

  test('add up watts by their source and rates by their algorithm', async () => {
    const { body } = await ask('GET', 'overview')
    const listed = await all('', 100)
    const watts = listed.reduce((sum, { power_w }) => sum + Number(power_w ?? 0), 0)
    const power = body['power'] as Record<string, unknown>
    assert.equal(power['actual_w'], watts)
    const bySource = power['by_source'] as Record<string, number>
    assert.equal(bySource['miner_psu'], 4 * 2_900)
    // It hashes at 90 % of its sticker and tells no watts.
    assert.equal(bySource['nameplate'], 2_700)
    assert.equal(power['nominal_w'], WORKERS * 3_000)
    assert.deepEqual(body['hashrate'], [
      {
        algorithm: 'SHA-256',
        nominal_hs: String(WORKERS * 100 * TERA),
        intended_hs: String(WORKERS * 100 * TERA),
        actual_hs: String(4 * 90 * TERA),
      },
    ])
    assert.deepEqual(body['models'], [{ model: 'Example X1', count: WORKERS }])
  })

  test('list in any order, by pages of any size, each worker once', async () => {
    for (const sort of ['id', 'asset_code', 'status_since', 'hashrate_hs', 'power_w']) {
      for (const order of ['ascending', 'descending']) {
        const whole = await all(`sort=${sort}&order=${order}`, 100)
        assert.equal(new Set(whole.map(({ id }) => id)).size, WORKERS)
        assert.deepEqual(await all(`sort=${sort}&order=${order}`, 2), whole, `${sort} ${order}`)
        // What is not known comes first.
        const values = whole.map((one) => one[sort] ?? -1)
        const sorted = values.toSorted((left, right) => (left < right ? -1 : Number(left > right)))
        assert.deepEqual(values, order === 'ascending' ? sorted : sorted.toReversed(), `${sort} ${order}`)
      }
    }
  })

  test('find by a part of a text, whatever its case', async () => {
    assert.deepEqual(
      (await all('text=a-3', 10)).map((one) => one['asset_code']),
      ['A-3'],
    )
    assert.equal((await all('text=example', 10)).length, WORKERS)
  })

  test('give the same list as CSV', async () => {
    const url = `/api/fleet/workers?provider=${PROVIDER}&limit=3`
    const { statusCode, headers, body } = await reader.app.inject({ url, headers: { accept: 'text/csv' } })
    assert.equal(statusCode, 200)
    const [head = '', ...lines] = body.trimEnd().split(/\r?\n/)
    assert.deepEqual(head.split(','), Object.keys((await all('', 100))[0] ?? {}))
    assert.equal(lines.length, 3)
    assert.match(String(headers['link']), /rel="next"/)
  })

  test('say that they are stale, and as of when, where no gateway was heard for a while', async () => {
    // The log of this test ends in the past of the reader's clock.
    const { body } = await ask('GET', 'overview')
    assert.equal(body['stale'], true)
    const asOfMs = Date.parse(String(body['as_of']))
    assert.ok(asOfMs > fleet.nowMs - MINUTE_MS && asOfMs <= fleet.nowMs)
    assert.equal(body['coverage'], HEARD / WORKERS)
  })

  test('refuse a series that is too long, and know no machine of nobody', async () => {
    const [worker] = await all('', 1)
    const series = (days: number) =>
      ask('GET', `workers/${String(worker?.['id'])}/series?from=${START - days * DAY_MS}&to=${START}`)
    assert.equal((await series(SERIES_DAYS_MAX)).status, 503)
    assert.equal((await series(SERIES_DAYS_MAX + 1)).status, 422)
    assert.equal((await ask('GET', 'workers/none/series')).body['code'], 'unknown_worker')
    assert.equal((await ask('GET', 'workers/none/status-history')).body['code'], 'unknown_worker')
  })

  test('refuse what is none of their parameters', async () => {
    for (const query of ['status=tired', 'sort=colour', 'colour=red', 'limit=0'])
      assert.equal((await ask('GET', `workers?${query}`)).status, 422, query)
  })
})

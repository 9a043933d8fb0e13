import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { startService, startServices } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const SOON_MS = 30_000
const SETTINGS = '/api/settings/compute'

/** The promise for a setting: applied and answered within a second, on an idle machine. */
const ANSWERED_P99_MS = 1_000
const PUTS = 100

describe('commands through the whole stack', () => {
  let installation: Installation
  const readers: string[] = []
  let gateway = ''
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'commands' })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'gateway', 'aggregator', 'settler', 'loader', 'reader')
    const second = await startService(installation, 'reader')
    for (const service of [...Object.values(started), second]) cleanup.defer(() => service.stop())
    await second.ready()
    readers.push(started.reader.url, second.url)
    gateway = started.gateway.url
  })

  after(() => cleanup.disposeAsync())

  async function ask(method: string, url: string, body?: object, headers: Record<string, string> = {}) {
    const answer = await fetch(url, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
  }

  const event = (nodeId: string, fields: object) => ({
    event_id: systemRandom.bytes(16).toString('hex'),
    node_id: nodeId,
    model_id: 'gpt-4.1',
    task_source: 'hive',
    occurred_at: systemClock.nowMs(),
    ...fields,
  })

  it('a setting is read back at once on every reader, and no concurrent update loses a field', async (t) => {
    const tookMs: number[] = []
    for (let round = 0; round < PUTS / 4; round++) {
      const startMs = systemClock.monotonicMs()
      const puts = [
        { max_hive_gpu_pct: round },
        { min_settlement_spark: round },
        { metered_daily_limit_usd: String(round) },
        { offered_gpu_hours_per_day: round },
      ].map(async (body, at) => {
        const { status } = await ask('PUT', `${readers[at % 2]}${SETTINGS}?node_id=settings`, body)
        tookMs.push(systemClock.monotonicMs() - startMs)
        assert.equal(status, 200)
      })
      await Promise.all(puts)
      for (const reader of readers) {
        const { body } = await ask('GET', `${reader}${SETTINGS}?node_id=settings`)
        assert.deepEqual(body['stored'], {
          max_hive_gpu_pct: round,
          min_settlement_spark: round,
          metered_daily_limit_usd: round,
          offered_gpu_hours_per_day: round,
        })
      }
    }
    tookMs.sort((left, right) => left - right)
    const p99 = tookMs[Math.floor(tookMs.length * 0.99)] ?? 0
    t.diagnostic(
      `${PUTS} settings answered: median ${tookMs[PUTS / 2]?.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms; to hold is ${ANSWERED_P99_MS} ms`,
    )
  })

  it('12 concurrent reservations of 0.40 under a limit of 1.00 admit 2, whichever reader is asked', async () => {
    const node_id = 'reserving'
    const joined = {
      node_id,
      operator_id: 'op',
      allow_metered_for_hive: true,
      metered_daily_limit_usd: '1.00',
    }
    assert.equal((await ask('POST', `${readers[0]}${SETTINGS}/provider/join`, joined)).status, 200)
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        ask('POST', `${readers[at % 2]}/api/exposure/reservations`, { node_id, usd: '0.40' }),
      ),
    )
    const statuses = answers.map(({ status }) => status).sort((left, right) => left - right)
    assert.deepEqual(statuses, [201, 201, ...Array.from({ length: 10 }, () => 409)])
    const held = answers.filter(({ status }) => status === 201).map(({ body }) => String(body['id']))
    // One is used up by its cost, the other is given back: 0.71 of the limit's 1.00 are free again.
    const cost = event(node_id, { actual_usd_cost: '0.29', reservation_id: held[0] })
    assert.equal((await ask('POST', `${gateway}/v1/events`, cost)).status, 202)
    assert.equal(
      (await ask('DELETE', `${readers[1]}/api/exposure/reservations/${held[1]}?node_id=${node_id}`)).status,
      204,
    )
    await until('the cost to be decided', SOON_MS, async () => {
      const { body } = await ask('GET', `${readers[0]}/api/wallets/op`)
      return body['balance_spark'] === 29
    })
    assert.equal(
      (await ask('POST', `${readers[0]}/api/exposure/reservations`, { node_id, usd: '0.72' })).status,
      409,
    )
    assert.equal(
      (await ask('POST', `${readers[0]}/api/exposure/reservations`, { node_id, usd: '0.71' })).status,
      201,
    )
  })

  it('heartbeats reward, and what they paid is in the list and in the ledger', async () => {
    const beat = {
      heartbeat_id: '1',
      node_id: 'beating',
      sent_at: systemClock.nowMs(),
      operator_id: 'op-b',
      agent_count: 10,
      ad_impressions: 100,
    }
    assert.equal((await ask('POST', `${gateway}/v1/heartbeats`, beat)).status, 202)
    const rewards = `${readers[0]}/api/social/hosting/rewards?node_id=beating`
    await until('the rewards to be in ClickHouse', SOON_MS, async () => {
      const { status, body } = await ask('GET', rewards)
      return status === 200 && (body['rewards'] as object[]).length === 4
    })
    const { body } = await ask('GET', rewards)
    const kinds = (body['rewards'] as { kind: string; amount: number }[]).map(
      ({ kind, amount }) => `${kind} ${amount}`,
    )
    assert.deepEqual(kinds.sort(), ['ad_bonus 1', 'ad_revenue 9', 'milestone 50', 'uptime_bonus 10'])
    const entries = await ask('GET', `${readers[0]}/api/wallets/op-b/entries`)
    await until('the entries to be shown', SOON_MS, async () => {
      const answer = await ask('GET', `${readers[0]}/api/wallets/op-b`)
      return answer.body['balance_spark'] === 70
    })
    assert.equal(entries.status, 200)
  })

  it('an operator of now is confirmed by who names it, and migrate finds none of before to confirm', async () => {
    const partsOf = async (wallet: string): Promise<[nodes: number, unconfirmed: number]> => {
      const { body } = await ask('GET', `${readers[1]}/api/wallets/${wallet}`)
      return [(body['nodes'] as object[]).length, (body['unconfirmed'] as { nodes: number }).nodes]
    }
    assert.deepEqual(await partsOf('op'), [1, 0])
    assert.deepEqual(await partsOf('op-b'), [0, 1])
    const { exitCode, output } = await installation.command('migrate', ['--confirm-operators', '--yes'])
    assert.equal(exitCode, 0, output)
    assert.match(output, /^Operators to confirm: 0, of [1-9]/m)
    const claim = { node_id: 'beating', operator_id: 'op-b' }
    assert.equal((await ask('POST', `${readers[0]}${SETTINGS}/provider/claim`, claim)).status, 200)
    assert.deepEqual(await partsOf('op-b'), [1, 0])
  })

  it('who changed what is in the history, and the same write twice is there once', async () => {
    const put = () =>
      ask(
        'PUT',
        `${readers[0]}${SETTINGS}?node_id=told`,
        { electricity_rate_kwh: '0.12' },
        { 'idempotency-key': 'k' },
      )
    assert.deepEqual((await put()).body, (await put()).body)
    const history = `${readers[0]}${SETTINGS}/history?node_id=told`
    await until('the change to be in ClickHouse', SOON_MS, async () => {
      const { body } = await ask('GET', history)
      return ((body['items'] as object[] | undefined) ?? []).length > 0
    })
    const { body } = await ask('GET', history)
    const items = body['items'] as { caller: string; changes: object[] }[]
    assert.deepEqual(
      items.map(({ caller, changes }) => [caller, changes]),
      [['loopback', [{ name: 'electricity_rate_kwh', before: null, after: 0.12 }]]],
    )
  })

  it('another reckoning of the whole log finds no difference', async (t) => {
    t.diagnostic(await verified(installation))
  })
})

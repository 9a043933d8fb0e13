import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { topicNames } from '../../schemas/topics.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { ProviderView } from '../../schemas/http/provider.ts'
import { assertDocumented } from '../../test/support/oracles/openapi-check.ts'
import type { OpenApiDocument } from '../../test/support/oracles/openapi-check.ts'
import { account, accountRecord, taskRecord } from '../../test/support/records/state-records.ts'
import { opsRoutes } from '../http/ops.ts'
import { Accounts } from './present/accounts.ts'
import { buildReader } from './app.ts'
import type { ReaderApp } from './parts.ts'
import { clickhouseAway } from '../../test/support/servers/clickhouse.ts'
import { unheardCommands } from '../../test/support/records/unheard-commands.ts'
import { MemoryModels } from '../../test/support/memory/memory-models.ts'
import { putBackNothing } from '../../test/support/memory/put-back.ts'
import { noInventories } from '../../test/support/memory/no-inventories.ts'
import { loadedFleet } from '../../test/support/memory/loaded-fleet.ts'

const PARTITIONS = 4
const AS_OF = Date.UTC(2026, 1, 20, 14, 30)
const NODES = Array.from({ length: 23 }, (_, index) => `node-${String(index).padStart(2, '0')}`)

const clickhouse = clickhouseAway()
const accounts = new Accounts(PARTITIONS)
const table = { loaded: true, reached: [] as number[] }
let app: ReaderApp
let document: OpenApiDocument

before(async () => {
  app = await buildReader({
    putBack: putBackNothing(),
    ...noInventories(),
    models: new MemoryModels(),
    access: { mode: 'off' },
    commands: unheardCommands(),
    accounts,
    table: {
      get loaded() {
        return table.loaded
      },
      reach: async (partition) => {
        table.reached.push(partition)
        return true
      },
    },
    fleet: loadedFleet(PARTITIONS),
    clickhouse,
    topics: topicNames(''),
    partitions: PARTITIONS,
    cursorKey: Buffer.alloc(32, 7),
    clock: systemClock,
    logger: silentLogger,
    metrics: noMetrics,
    ops: opsRoutes({
      readiness: () => ({ waitingFor: [], halted: [] }),
      metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' },
    }),
  })
  document = (await app.inject('/openapi.json')).json<OpenApiDocument>()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    accounts.apply(taskRecord(partition, AS_OF + partition))
  }
  for (const nodeId of NODES) {
    accounts.apply(accountRecord(partitionOfNode(nodeId, PARTITIONS), account({ node_id: nodeId })))
  }
  accounts.apply(accountRecord(partitionOfNode('my-node-001', PARTITIONS), documentedNode))
})

after(async () => {
  await app.close()
  await clickhouse.close()
})

const operator = (operator_id: string, micro_spark: bigint) => ({
  operator_id,
  since: 0,
  micro_spark,
  entries: 3,
  last_entry_at: AS_OF,
  remainder: 0,
  confirmed: true,
})

const documentedNode = account({
  node_id: 'my-node-001',
  version: 9,
  tier: 'regional',
  inferences: 12_847n,
  gpu_ms_measured: 500_000_000n,
  gpu_ms_estimated: 62_680_000n,
  energy_mwh_measured: 20_000_000n,
  energy_mwh_estimated: 7_570_000n,
  energy_mwh_compatible: 26_570_000n,
  cost_nano_usd: 4_820_000_001n,
  pending_count: 7,
  pending_nano_usd: 1_230_050_000n,
  operators: [operator('ana', 82_000_000n), operator('ben', 400_000_000n)],
})

/** Sends a request, and checks every answer against the published document. */
async function get(url: string, headers: Record<string, string> = {}) {
  const response = await app.inject({ url, headers })
  const contentType = String(response.headers['content-type'])
  const { statusCode, headers: answered, body } = response
  assertDocumented(document, { url, statusCode, contentType, headers: answered, body })
  return response
}

test('the provider view has every field of the documented body, and the exact twins', async () => {
  const response = await get('/api/settings/compute/provider?node_id=my-node-001')
  assert.equal(response.statusCode, 200)
  const view = response.json<ProviderView>()
  assert.deepEqual(view, {
    node_id: 'my-node-001',
    node_tier: 'regional',
    contribution: {
      score: 1011.31,
      score_exact: '1011.31000001',
      visibility_tier: 'priority',
      formula_version: 1,
      breakdown: {
        uptime_weight: 0,
        gpu_hours_weight: 781.5,
        inference_weight: 128.47,
        energy_weight: 53.14,
        api_cost_weight: 48.2,
        agent_weight: 0,
        post_weight: 0,
        ad_weight: 0,
      },
    },
    compute_stats: {
      gpu_hours_served: 156.3,
      gpu_ms: 562_680_000,
      total_inferences: 12_847,
      energy_kwh_contributed: 26.57,
      energy_mwh: 26_570_000,
      metered_api_costs_absorbed: 4.82,
      metered_api_costs_absorbed_exact: '4.820000001',
    },
    provider_identity: { cause_alignment: null, electricity_rate_kwh: null },
    pending_settlements: {
      count: 7,
      total_usd: 1.23,
      total_usd_exact: '1.23005',
      oldest_at: null,
      written_off_count: 0,
      written_off_usd: 0,
      written_off_usd_exact: '0',
    },
    reward_summary: {
      total_spark_earned: 482,
      total_micro_spark_earned: 482_000_000,
      total_rewards: 0,
      last_reward_at: null,
    },
    status: null,
    last_contact_at: null,
    set_aside_events: 0,
    mode: 'compatible',
    period: 'lifetime',
    period_start: null,
    period_end: null,
    as_of: new Date(AS_OF + partitionOfNode('my-node-001', PARTITIONS)).toISOString(),
    final: false,
    sources: {
      gpu_time: {
        measured_gpu_ms: 500_000_000,
        estimated_gpu_ms: 62_680_000,
        measured_share: 0.8886,
        estimated_share: 0.1114,
      },
      energy: {
        measured_energy_mwh: 20_000_000,
        estimated_energy_mwh: 7_570_000,
        measured_share: 0.7254,
        estimated_share: 0.2746,
      },
    },
  })
})

test('mode corrected counts energy as given or by GPU time, in stats and score', async () => {
  const response = await get('/api/settings/compute/provider?node_id=my-node-001&mode=corrected')
  const view = response.json<ProviderView>()
  assert.equal(view.compute_stats.energy_kwh_contributed, 27.57)
  assert.equal(view.contribution.breakdown.energy_weight, 55.14)
})

test("a view waits for its node's partition as of the request", async () => {
  table.reached = []
  await get('/api/settings/compute/provider?node_id=my-node-001')
  assert.deepEqual(table.reached, [partitionOfNode('my-node-001', PARTITIONS)])
  table.reached = []
  await get('/api/wallets/ben')
  assert.deepEqual(new Set(table.reached), new Set([0, 1, 2, 3]))
})

test('a sum beyond what a double holds is shown to its last digit', async () => {
  const node_id = 'huge'
  const gpu_ms_measured = 2n ** 62n + 1n
  accounts.apply(accountRecord(partitionOfNode(node_id, PARTITIONS), account({ node_id, gpu_ms_measured })))
  const response = await app.inject(`/api/settings/compute/provider?node_id=${node_id}`)
  assert.match(response.body, /"gpu_ms":4611686018427387905[,}]/)
})

test('an unknown node is 404 with the members of the original', async () => {
  for (const route of [
    'settings/compute/provider',
    'usage',
    'usage/events',
    'settlements',
    'settlements/pending',
  ]) {
    const response = await get(`/api/${route}?node_id=nobody`)
    assert.equal(response.statusCode, 404)
    const body = response.json<Record<string, unknown>>()
    assert.equal(body['error'], 'Node not registered')
    assert.equal(body['node_id'], 'nobody')
    assert.equal(body['code'], 'node_not_registered')
    assert.equal(body['instance'], `/api/${route}`)
    assert.equal(response.headers['content-type'], 'application/problem+json')
  }
})

test('a parameter at fault is named', async () => {
  const cases: [string, string][] = [
    ['/api/settings/compute/provider', '/node_id'],
    ['/api/usage', '/node_id'],
    ['/api/usage/events', '/node_id'],
    ['/api/settlements', '/node_id'],
    ['/api/settlements/pending', '/node_id'],
    ['/api/settings/compute/provider?node_id=a%20b', '/node_id'],
    ['/api/settings/compute/provider?node_id=a&node_id=b', '/node_id'],
    ['/api/settings/compute/provider?node_id=a&modus=corrected', '/modus'],
    ['/api/settings/compute/provider?node_id=a&mode=right', '/mode'],
    ['/api/settings/compute/providers?limit=501', '/limit'],
    ['/api/settings/compute/providers?limit=many', '/limit'],
    ['/api/settings/compute/providers?cursor=made-up', '/cursor'],
    ['/api/usage?node_id=node-01&from=yesterday', '/from'],
    ['/api/usage?node_id=node-01&to=', '/to'],
    ['/api/usage?node_id=node-01&from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z', '/from'],
    ['/api/usage?node_id=node-01&tz=Mars/Olympus', '/tz'],
    ['/api/usage?node_id=node-01&tz=%2B05:20', '/tz'],
    ['/api/usage?node_id=node-01&window=1w', '/window'],
    ['/api/usage?node_id=node-01&group_by=operator_id', '/group_by'],
    ['/api/wallets/ben/entries?limit=0', '/limit'],
  ]
  for (const [url, path] of cases) {
    const response = await get(url)
    assert.equal(response.statusCode, 422, url)
    const { errors, detail } = response.json<{ errors: { path: string }[]; detail: string }>()
    assert.deepEqual(
      errors.map((error) => error.path),
      [path],
      url,
    )
    assert.ok(detail.includes(path.slice(1)), url)
  }
})

test('too many windows, and minutes that are gone, are refused with their own codes', async () => {
  const code = async (query: string) => {
    const response = await get(`/api/usage?node_id=node-01&${query}`)
    assert.equal(response.statusCode, 422)
    return response.json<{ code: string }>().code
  }
  const hoursAgo = (hours: number) => String(systemClock.nowMs() - hours * 3_600_000)
  assert.equal(await code(`window=1m&from=${hoursAgo(40 * 24)}&to=${hoursAgo(0)}`), 'too_many_windows')
  assert.equal(await code('window=1h&from=2010-01-01T00:00:00Z&to=2020-01-01T00:00:00Z'), 'too_many_windows')
  assert.equal(
    await code('window=1h&tz=Asia/Kathmandu&from=2010-01-01T00:00:00Z&to=2020-01-01T00:00:00Z'),
    'too_many_windows',
  )
  assert.equal(await code(`window=1m&from=${hoursAgo(45 * 24)}&to=${hoursAgo(44 * 24)}`), 'windows_expired')
})

test('while ClickHouse is away the history says so, and the present still answers', async () => {
  for (const url of [
    '/api/usage?node_id=node-01',
    '/api/usage?node_id=node-01&window=total',
    '/api/usage/events?node_id=node-01',
    '/api/settlements?node_id=node-01',
    '/api/settlements/pending?node_id=node-01',
    '/api/wallets/ben/entries',
    '/api/settings/compute/provider?node_id=node-01&period=24h',
  ]) {
    const response = await get(url)
    assert.equal(response.statusCode, 503, url)
    assert.equal(response.headers['retry-after'], '5')
    assert.equal(response.json<{ code: string }>().code, 'history_unavailable')
    assert.doesNotMatch(response.body, /SELECT|127\.0\.0\.1|ECONN|\.ts|ClickHouse/)
  }
  for (const url of [
    '/api/settings/compute/provider?node_id=node-01',
    '/api/settings/compute/providers',
    '/api/wallets/ben',
    '/healthz',
    '/readyz',
    '/metrics',
    '/openapi.json',
  ]) {
    assert.equal((await get(url)).statusCode, 200, url)
  }
})

test('while the accounts load, what needs them says so', async () => {
  table.loaded = false
  try {
    for (const url of [
      '/api/settings/compute/provider?node_id=node-01',
      '/api/settings/compute/providers',
      '/api/usage?node_id=node-01',
      '/api/wallets/ben',
    ]) {
      const response = await get(url)
      assert.equal(response.statusCode, 503)
      assert.equal(response.json<{ code: string }>().code, 'state_loading')
      assert.ok(Number(response.headers['retry-after']) > 0)
    }
  } finally {
    table.loaded = true
  }
})

test('a walk over all providers gives each once, in order', async () => {
  const seen: string[] = []
  let cursor = ''
  for (let pages = 0; pages < 20; pages++) {
    const response = await get(`/api/settings/compute/providers?limit=5&cursor=${cursor}`)
    const { items, next_cursor } = response.json<{ items: ProviderView[]; next_cursor: string | null }>()
    seen.push(...items.map((item) => item.node_id))
    if (next_cursor === null) break
    cursor = next_cursor
  }
  assert.deepEqual(
    seen.filter((nodeId) => nodeId.startsWith('node-')),
    NODES,
  )
  assert.equal(new Set(seen).size, seen.length)
  const other = await get(`/api/settings/compute/providers?limit=5&mode=corrected&cursor=${cursor}`)
  assert.equal(other.statusCode, 422, 'a cursor goes on with its own parameters only')
})

test('a wallet is what its nodes have earned for it', async () => {
  const response = await get('/api/wallets/ben')
  assert.deepEqual(response.json(), {
    operator_id: 'ben',
    balance_spark: 400,
    balance_micro_spark: 400_000_000,
    nodes: [
      {
        node_id: 'my-node-001',
        spark: 400,
        micro_spark: 400_000_000,
        entries: 3,
        last_entry_at: new Date(AS_OF).toISOString(),
      },
    ],
    unconfirmed: { nodes: 0, spark: 0, micro_spark: 0 },
    as_of: new Date(AS_OF).toISOString(),
  })
  for (const url of ['/api/wallets/nobody', '/api/wallets/!issuer', '/api/wallets/nobody/entries']) {
    const unknown = await get(url)
    assert.equal(unknown.statusCode, 404)
    assert.equal(unknown.json<{ code: string }>().code, 'wallet_not_found')
  }
})

test('what is not there is a problem too: routes, methods, formats, broken escapes', async () => {
  const notThere = await app.inject('/api/nothing?secret=1')
  assert.equal(notThere.statusCode, 404)
  assert.equal(notThere.json<{ instance: string }>().instance, '/api/nothing')
  const post = await app.inject({ method: 'POST', url: '/api/usage' })
  assert.deepEqual([post.statusCode, post.headers['allow']], [405, 'GET, HEAD, OPTIONS'])
  const xml = await get('/api/usage?node_id=node-01', { accept: 'application/xml' })
  assert.equal(xml.statusCode, 406)
  const broken = await get('/api/wallets/%zz')
  assert.equal(broken.statusCode, 400)
  assert.equal(broken.json<{ code: string }>().code, 'invalid_url')
})

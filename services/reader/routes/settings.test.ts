import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WRITE_BYTES_MAX } from './json-body.ts'
import { startWholeReader } from '../../../test/support/memory/whole-reader.ts'

const SETTINGS = '/api/settings/compute'
const JOIN = `${SETTINGS}/provider/join`

test('a setting is partial, read back at once, and shown as stored beside what holds', async () => {
  await using reader = await startWholeReader()
  assert.equal((await reader.ask('GET', `${SETTINGS}?node_id=n`)).status, 404)
  const put = await reader.ask('PUT', `${SETTINGS}?node_id=n`, {
    body: { metered_daily_limit_usd: '5.00', cause_alignment: 'frontier_training', something_else: 1 },
  })
  assert.deepEqual(
    [put.status, put.body],
    [
      200,
      {
        updated: true,
        node_id: 'n',
        policy_fields: ['metered_daily_limit_usd'],
        peer_fields: ['cause_alignment'],
      },
    ],
  )
  const { body, headers } = await reader.ask('GET', `${SETTINGS}?node_id=n`)
  assert.deepEqual(body, {
    node_id: 'n',
    compute_policy: 'local_preferred',
    hive_compute_policy: 'local_preferred',
    max_hive_gpu_pct: 50,
    allow_metered_for_hive: false,
    metered_daily_limit_usd: 5,
    metered_daily_limit_usd_exact: '5',
    offered_gpu_hours_per_day: 0,
    offered_gpu_hours_per_day_exact: '0',
    accept_thought_experiments: true,
    accept_frontier_training: false,
    auto_settle: true,
    min_settlement_spark: 10,
    electricity_rate_kwh: null,
    electricity_rate_kwh_exact: null,
    cause_alignment: 'frontier_training',
    stored: { metered_daily_limit_usd: 5, cause_alignment: 'frontier_training' },
  })
  assert.equal(headers['etag'], put.headers['etag'])
})

test('amounts are read from their text and shown with every decimal', async () => {
  await using reader = await startWholeReader()
  const limit = (text: string) =>
    reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: `{"metered_daily_limit_usd":${text}}` })
  for (const [text, exact] of [
    ['0.29', '0.29'],
    ['0.2900000000', '0.29'],
    ['"0.000000001"', '0.000000001'],
    ['999999.123456789', '999999.123456789'],
    ['null', null],
    ['1000000', '1000000'],
    ['"1e3"', '1000'],
  ] as const) {
    assert.equal((await limit(text)).status, 200, text)
    const { body } = await reader.ask('GET', `${SETTINGS}?node_id=n`)
    assert.equal(body['metered_daily_limit_usd_exact'], exact, text)
  }
  // Amounts are never rounded: a limit of 10^-10 must not become 0, which means no limit.
  for (const text of [
    '0.0000000001',
    '1e-10',
    '"1e-10"',
    '0.30000000000000004',
    '-1',
    '1000000.000000001',
    'true',
    '"1,5"',
  ])
    assert.equal((await limit(text)).status, 422, text)
})

test('every wrong field is named, and nothing of the request is stored', async () => {
  await using reader = await startWholeReader()
  const { status, body } = await reader.ask('PUT', `${SETTINGS}?node_id=n`, {
    body: {
      max_hive_gpu_pct: 101,
      allow_metered_for_hive: 'false',
      compute_policy: 'fastest',
      auto_settle: null,
      min_settlement_spark: 1.5,
      electricity_rate_kwh: 0.1,
    },
  })
  assert.equal(status, 422)
  assert.deepEqual(
    (body['errors'] as { path: string; code: string }[]).map(({ path, code }) => `${path} ${code}`),
    [
      '/compute_policy invalid_value',
      '/max_hive_gpu_pct out_of_range',
      '/allow_metered_for_hive wrong_type',
      '/auto_settle wrong_type',
      '/min_settlement_spark out_of_range',
    ],
  )
  assert.equal((await reader.ask('GET', `${SETTINGS}?node_id=n`)).status, 404)
  for (const wrong of ['[]', '{"auto_settle":true,"auto_settle":false}', '1'])
    assert.equal((await reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: wrong })).status, 422, wrong)
  assert.equal((await reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: '{' })).status, 400)
})

test('a body that names another node than the query is refused, and changes neither', async () => {
  await using reader = await startWholeReader()
  for (const query of ['?node_id=n', '?node_id=m'])
    await reader.ask('PUT', `${SETTINGS}${query}`, { body: { max_hive_gpu_pct: 60 } })
  const other = await reader.ask('PUT', `${SETTINGS}?node_id=n`, {
    body: { node_id: 'm', max_hive_gpu_pct: 1 },
  })
  assert.deepEqual([other.status, other.body['code']], [422, 'invalid_request'])
  for (const wrong of ['!task', '', 7]) {
    const { status } = await reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: { node_id: wrong } })
    assert.equal(status, 422, String(wrong))
  }
  for (const query of ['?node_id=n', '?node_id=m'])
    assert.equal((await reader.ask('GET', `${SETTINGS}${query}`)).body['max_hive_gpu_pct'], 60)
  const same = await reader.ask('PUT', `${SETTINGS}?node_id=n`, {
    body: { node_id: 'n', max_hive_gpu_pct: 1 },
  })
  assert.equal(same.status, 200)
})

test('If-Match keeps one writer from overwriting another', async () => {
  await using reader = await startWholeReader()
  const first = await reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: { max_hive_gpu_pct: 60 } })
  const put = (pct: number, tag: string) =>
    reader.ask('PUT', `${SETTINGS}?node_id=n`, {
      body: { max_hive_gpu_pct: pct },
      headers: { 'if-match': tag },
    })
  const tag = String(first.headers['etag'])
  const second = await put(70, tag)
  assert.equal(second.status, 200)
  const stale = await put(80, tag)
  assert.deepEqual([stale.status, stale.body['code']], [412, 'stale_settings'])
  assert.equal((await put(80, '*')).status, 200)
})

test('If-Match takes a list, any one of which will do, packed ones too, and a repeat gets the same answer', async () => {
  await using reader = await startWholeReader()
  const first = await reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: { max_hive_gpu_pct: 60 } })
  const put = (pct: number, tags: string, key: string) =>
    reader.ask('PUT', `${SETTINGS}?node_id=n`, {
      body: { max_hive_gpu_pct: pct },
      headers: { 'if-match': tags, 'idempotency-key': key },
    })
  const tag = String(first.headers['etag'])
  assert.equal((await put(1, '"other", "9.9"', 'a')).status, 412)
  assert.equal((await put(1, `W/${tag}`, 'b')).status, 412, 'a weak tag is no match for a write')
  const second = await put(70, `"other" , ${tag}`, 'c')
  assert.equal(second.status, 200)
  const third = await put(80, `${String(second.headers['etag']).replace(/"$/, '-gzip"')},"x"`, 'd')
  assert.equal(third.status, 200)
  const again = await put(70, `"other" , ${tag}`, 'c')
  assert.deepEqual(
    [again.status, again.body, again.headers['etag']],
    [200, second.body, second.headers['etag']],
  )
  assert.equal((await reader.ask('GET', `${SETTINGS}?node_id=n`)).body['max_hive_gpu_pct'], 80)
})

test('If-Match: * asks that the node is there', async () => {
  await using reader = await startWholeReader()
  const put = (node: string) =>
    reader.ask('PUT', `${SETTINGS}?node_id=${node}`, {
      body: { max_hive_gpu_pct: 60 },
      headers: { 'if-match': '*' },
    })
  const none = await put('n')
  assert.deepEqual([none.status, none.body['code']], [412, 'stale_settings'])
  assert.equal((await reader.ask('GET', `${SETTINGS}?node_id=n`)).status, 404)
  await reader.heartbeat('n')
  assert.equal((await put('n')).status, 200)
})

test('the tag changes with what is shown, the tier too, and still fits a write', async () => {
  await using reader = await startWholeReader()
  await reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: { allow_metered_for_hive: true } })
  const read = (tag = '""') =>
    reader.ask('GET', `${SETTINGS}?node_id=n`, { headers: { 'if-none-match': tag } })
  const before = await read()
  await reader.heartbeat('n', { tier: 'central', by_admin: true })
  const after = await read(String(before.headers['etag']))
  assert.deepEqual([after.status, after.body['allow_metered_for_hive']], [200, false])
  const tag = String(after.headers['etag'])
  const written = await reader.ask('PUT', `${SETTINGS}?node_id=n`, {
    body: { max_hive_gpu_pct: 10 },
    headers: { 'if-match': tag },
  })
  assert.equal(written.status, 200)
  assert.equal((await read()).headers['etag'], written.headers['etag'])
})

test('a central node never pays for others: refused before anything is written, and on resolve', async () => {
  await using reader = await startWholeReader({
    rules: { overrides: [{ name: 'allow_metered_for_hive', value: true }] },
  })
  await reader.ask('POST', JOIN, { body: { node_id: 'n' } })
  assert.equal((await reader.ask('GET', `${SETTINGS}?node_id=n`)).body['allow_metered_for_hive'], true)
  await reader.heartbeat('n', { tier: 'central', by_admin: true })
  assert.equal((await reader.ask('GET', `${SETTINGS}?node_id=n`)).body['allow_metered_for_hive'], false)
  const refused = await reader.ask('PUT', `${SETTINGS}?node_id=n`, {
    body: { max_hive_gpu_pct: 1, allow_metered_for_hive: true },
  })
  assert.deepEqual([refused.status, refused.body['code']], [403, 'central_not_metered'])
  assert.equal(typeof refused.body['error'], 'string')
  assert.equal((await reader.ask('GET', `${SETTINGS}?node_id=n`)).body['max_hive_gpu_pct'], 50)
  assert.equal(
    (await reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: { allow_metered_for_hive: false } })).status,
    200,
  )
})

test('join is idempotent: a missing cause is chosen, an existing one is kept', async () => {
  await using reader = await startWholeReader()
  const joined = await reader.ask('POST', JOIN, { body: { node_id: 'n', electricity_rate_kwh: 0.12 } })
  const config = joined.body['config'] as Record<string, unknown>
  assert.deepEqual(
    [joined.status, joined.body['joined'], config['cause_alignment'], config['electricity_rate_kwh']],
    [200, true, 'democratize_compute', 0.12],
  )
  await reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: { cause_alignment: 'thought_experiments' } })
  const again = await reader.ask('POST', `${JOIN}?node_id=n`)
  assert.equal((again.body['config'] as Record<string, unknown>)['cause_alignment'], 'thought_experiments')
  const other = await reader.ask('POST', `${JOIN}?node_id=n`, { body: { node_id: 'm' } })
  assert.deepEqual([other.status, other.body['code']], [422, 'invalid_request'])
})

test('the same Idempotency-Key is the same write; for another body it is refused', async () => {
  await using reader = await startWholeReader()
  const put = (pct: number) =>
    reader.ask('PUT', `${SETTINGS}?node_id=n`, {
      body: { max_hive_gpu_pct: pct },
      headers: { 'idempotency-key': 'once' },
    })
  const first = await put(60)
  await reader.ask('PUT', `${SETTINGS}?node_id=n`, { body: { max_hive_gpu_pct: 10 } })
  const again = await put(60)
  assert.deepEqual(
    [again.status, again.body, again.headers['etag']],
    [200, first.body, first.headers['etag']],
  )
  assert.equal((await reader.ask('GET', `${SETTINGS}?node_id=n`)).body['max_hive_gpu_pct'], 10)
  const other = await put(61)
  assert.deepEqual([other.status, other.body['code']], [422, 'idempotency_key_reused'])
})

test('a node that nobody has named can be set and join, but not be claimed or settled', async () => {
  await using reader = await startWholeReader()
  const body = { node_id: 'n', operator_id: 'op' }
  for (const path of [`${SETTINGS}/provider/claim`, `${SETTINGS}/provider/transfer`]) {
    const { status, body: answer } = await reader.ask('POST', path, { body })
    assert.deepEqual([status, answer['error'], answer['node_id']], [404, 'Node not registered', 'n'])
  }
  assert.equal((await reader.ask('POST', '/api/settlements/run?node_id=n')).status, 404)
  assert.equal((await reader.ask('POST', JOIN, { body })).status, 200)
  assert.equal((await reader.ask('POST', `${SETTINGS}/provider/claim`, { body })).status, 200)
})

test('WRITE_BYTES_MAX, KEY_CHARACTERS_MAX: a larger body is 413, a longer key 422', async () => {
  await using reader = await startWholeReader()
  const put = (bytes: number, key = 'k') =>
    reader.ask('PUT', `${SETTINGS}?node_id=n`, {
      body: `{"max_hive_gpu_pct":40}${' '.repeat(bytes - 23)}`,
      headers: { 'idempotency-key': key },
    })
  assert.equal((await put(WRITE_BYTES_MAX)).status, 200)
  assert.equal((await put(WRITE_BYTES_MAX + 1)).status, 413)
  assert.equal((await put(100, 'k'.repeat(200))).status, 200)
  assert.equal((await put(100, 'k'.repeat(201))).status, 422)
})

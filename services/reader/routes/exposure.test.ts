import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWholeReader } from '../../../test/support/memory/whole-reader.ts'
import type { WholeReader } from '../../../test/support/memory/whole-reader.ts'

const RESERVATIONS = '/api/exposure/reservations'

async function nodeWithLimit(limitUsd: string | null): Promise<WholeReader> {
  const reader = await startWholeReader()
  const body = {
    node_id: 'n',
    operator_id: 'op',
    allow_metered_for_hive: true,
    metered_daily_limit_usd: limitUsd,
  }
  const { status } = await reader.ask('POST', '/api/settings/compute/provider/join', { body })
  assert.equal(status, 200)
  return reader
}

const reserve = (reader: WholeReader, usd: unknown, more: object = {}, key?: string) =>
  reader.ask('POST', RESERVATIONS, {
    body: { node_id: 'n', usd, ...more },
    ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
  })

test('12 concurrent reservations of 0.40 under a limit of 1.00 admit 2', async () => {
  await using reader = await nodeWithLimit('1.00')
  const answers = await Promise.all(Array.from({ length: 12 }, () => reserve(reader, '0.40')))
  assert.equal(answers.filter(({ status }) => status === 201).length, 2)
  const refused = answers.filter(({ status }) => status === 409)
  assert.equal(refused.length, 10)
  for (const { body } of refused) assert.equal(body['code'], 'over_limit')
})

test('exactly the limit passes, a nano-dollar more does not', async () => {
  await using reader = await nodeWithLimit('5.00')
  assert.equal((await reserve(reader, '4.80')).status, 201)
  assert.equal((await reserve(reader, 0.21)).status, 409)
  assert.equal((await reserve(reader, 0.2)).status, 201)
  assert.equal((await reserve(reader, '0.000000001')).status, 409)
})

test('a deleted reservation gives its room back; an expired one too, by log time', async () => {
  await using reader = await nodeWithLimit('1')
  const { body } = await reserve(reader, 1, { ttl_seconds: 60 })
  assert.equal((await reserve(reader, 1)).status, 409)
  const address = `${RESERVATIONS}/${String(body['id'])}?node_id=n`
  assert.equal((await reader.ask('DELETE', address)).status, 204)
  const gone = await reader.ask('DELETE', address)
  assert.deepEqual([gone.status, gone.body['code']], [404, 'reservation_not_found'])
  assert.equal((await reserve(reader, 1, { ttl_seconds: 60 })).status, 201)
  reader.settler.nowMs += 59_999
  assert.equal((await reserve(reader, 1)).status, 409)
  reader.settler.nowMs += 1
  assert.equal((await reserve(reader, 1)).status, 201)
})

test('asked again with its key a reservation is the same one as long as it is open', async () => {
  await using reader = await nodeWithLimit('1')
  const first = await reserve(reader, '0.60', { ttl_seconds: 60 }, 'call 7')
  const again = await reserve(reader, '0.60', { ttl_seconds: 60 }, 'call 7')
  assert.deepEqual([again.status, again.body], [201, first.body])
  assert.equal((await reserve(reader, '0.60')).status, 409)
})

test('asked again with its key within a day, a delete gets the answer of the first time', async () => {
  await using reader = await nodeWithLimit('1')
  const release = async (id: string, key: string) => {
    const address = `${RESERVATIONS}/${id}?node_id=n`
    const { status, body } = await reader.ask('DELETE', address, { headers: { 'idempotency-key': key } })
    return [status, body['code']]
  }
  const first = String((await reserve(reader, 1)).body['id'])
  assert.deepEqual(await release(first, 'delete 1'), [204, undefined])
  assert.deepEqual(await release('never-made', 'delete 2'), [404, 'reservation_not_found'])
  reader.settler.nowMs += 86_400_000
  assert.deepEqual(await release(first, 'delete 1'), [204, undefined])
  assert.deepEqual(await release('never-made', 'delete 2'), [404, 'reservation_not_found'])
  assert.deepEqual(await release('another', 'delete 1'), [422, 'idempotency_key_reused'])
  reader.settler.nowMs += 60_000
  assert.deepEqual(await release(first, 'delete 1'), [404, 'reservation_not_found'])
})

test('100 are open at most; 0 and null set no limit', async () => {
  await using reader = await nodeWithLimit(null)
  for (let count = 0; count < 100; count++) assert.equal((await reserve(reader, 1_000)).status, 201)
  const full = await reserve(reader, 1)
  assert.deepEqual([full.status, full.body['code']], [409, 'too_many_reservations'])
  reader.settler.nowMs += 600_000
  assert.equal((await reserve(reader, 1)).status, 201)
})

test('a node that does not allow it reserves nothing', async () => {
  await using reader = await nodeWithLimit('1')
  await reader.ask('PUT', '/api/settings/compute?node_id=n', { body: { allow_metered_for_hive: false } })
  const { status, body } = await reserve(reader, '0.1')
  assert.deepEqual([status, body['code']], [409, 'not_allowed'])
})

test('a cost that names its reservation uses it up', async () => {
  await using reader = await nodeWithLimit('1')
  const { body } = await reserve(reader, 1)
  await reader.cost('n', 400_000_000, { reservation_id: String(body['id']) })
  assert.equal((await reserve(reader, '0.61')).status, 409)
  assert.equal((await reserve(reader, '0.60')).status, 201)
})

test('what is wrong with a reservation is said', async () => {
  await using reader = await nodeWithLimit('1')
  for (const usd of [0, -1, '0.0000000001', 'a', 1_000_001, null, undefined, [1]])
    assert.equal((await reserve(reader, usd)).status, 422, String(usd))
  for (const more of [{ ttl_seconds: 0 }, { ttl_seconds: 86_401 }, { ttl: 5 }, { node_id: 'b c' }])
    assert.equal((await reserve(reader, 1, more)).status, 422, JSON.stringify(more))
})

test('settling now pays what is pending, whatever the minimum and auto_settle', async () => {
  await using reader = await nodeWithLimit(null)
  await reader.ask('PUT', '/api/settings/compute?node_id=n', { body: { auto_settle: false } })
  await reader.cost('n', 290_000_000)
  await reader.cost('n', 1_150_000_000)
  const { status, body } = await reader.ask('POST', '/api/settlements/run?node_id=n')
  assert.deepEqual(
    [status, body],
    [
      200,
      {
        settled_count: 2,
        total_spark_awarded: 144,
        total_micro_spark_awarded: 144_000_000,
        total_usd_settled: 1.44,
        total_usd_settled_exact: '1.44',
      },
    ],
  )
  const again = await reader.ask('POST', '/api/settlements/run?node_id=n')
  assert.equal(again.body['settled_count'], 0)
  assert.equal((await reader.ask('GET', '/api/wallets/op')).body['balance_spark'], 144)
})

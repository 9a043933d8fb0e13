import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inboxHeartbeatCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { NOW, setUp } from './app-fixture.ts'
import { CONTACT_INTERVAL_MS } from './recent-contacts.ts'

const HEARTBEAT = { heartbeat_id: 'h1', node_id: 'n', sent_at: NOW }

async function served() {
  const { app, clock, inboxLog } = await setUp()
  const send = async (payload: unknown) => {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/heartbeats',
      headers: { 'content-type': 'application/json' },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    })
    const { accepted, rejected, code } = answer.json<{
      accepted?: number
      rejected?: unknown
      code?: string
    }>()
    return { status: answer.statusCode, headers: answer.headers, accepted, rejected, code }
  }
  const written = () => inboxLog.records.map(({ value }) => inboxHeartbeatCodec.decode(value as Buffer))
  return { send, clock, inboxLog, written }
}

test('a heartbeat is in the log of its node when it is answered', async () => {
  const { send, inboxLog, written } = await served()
  const { status, accepted, rejected } = await send({
    ...HEARTBEAT,
    tier: 'regional',
    profile: 'constrained',
    operator_id: 'op',
    version: '1.2.3',
    agent_count: 3,
    post_count: null,
    ad_impressions: 7,
  })
  assert.deepEqual([status, accepted, rejected], [202, 1, []])
  assert.deepEqual(
    inboxLog.records.map(({ partition, key }) => [partition, key]),
    [[partitionOfNode('n', 4), 'n']],
  )
  const [heartbeat] = written()
  assert.deepEqual(
    { ...heartbeat, heartbeat_hash: heartbeat?.heartbeat_hash.length },
    {
      node_id: 'n',
      heartbeat_hash: 8,
      sent_at: NOW,
      by_admin: true,
      tier: 'regional',
      profile: 'constrained',
      operator_id: 'op',
      software_version: '1.2.3',
      agent_count: 3,
      post_count: null,
      ad_impressions: 7,
    },
  )
})

test('one that changes nothing but the contact is written once a minute', async () => {
  const { send, clock, written } = await served()
  const beat = async (id: string, more = {}) =>
    assert.equal((await send({ ...HEARTBEAT, heartbeat_id: id, ...more })).status, 202)
  await beat('1')
  await beat('2')
  assert.equal(written().length, 1)
  await beat('3', { agent_count: 1 })
  await beat('4', { agent_count: 1 })
  await beat('5', { agent_count: 1, ad_impressions: 1 })
  await beat('6', { agent_count: 1 })
  assert.equal(written().length, 3)
  await clock.pass(CONTACT_INTERVAL_MS)
  await beat('7', { agent_count: 1 })
  assert.equal(written().length, 4)
})

test('what is wrong with a heartbeat is said, and costs the others nothing', async () => {
  const { send, written } = await served()
  const wrong = [
    [{ ...HEARTBEAT, heartbeat_id: undefined }, '/heartbeat_id'],
    [{ ...HEARTBEAT, node_id: 'a b' }, '/node_id'],
    [{ ...HEARTBEAT, sent_at: 'yesterday' }, '/sent_at'],
    [{ ...HEARTBEAT, tier: 'top' }, '/tier'],
    [{ ...HEARTBEAT, agent_count: -1 }, '/agent_count'],
    [{ ...HEARTBEAT, ad_impressions: 1_000_001 }, '/ad_impressions'],
    [{ ...HEARTBEAT, agents: 1 }, '/agents'],
    [7, ''],
  ] as const
  const { status, accepted, rejected } = await send([...wrong.map(([item]) => item), HEARTBEAT])
  assert.deepEqual([status, accepted], [202, 1])
  assert.deepEqual(
    (rejected as { path: string; index: number }[]).map(({ index, path }) => [index, path]),
    wrong.map(([, path], index) => [index, path]),
  )
  assert.equal(written().length, 1)
  assert.equal((await send([])).status, 422)
  assert.equal((await send('{')).status, 400)
  assert.equal((await send(Array.from({ length: 1_001 }, () => HEARTBEAT))).status, 413)
})

test('what the log did not acknowledge is not called accepted, and is written when it comes again', async () => {
  const { send, inboxLog, written } = await served()
  inboxLog.plan.push('refuse')
  const { status, code, headers } = await send(HEARTBEAT)
  assert.deepEqual([status, code, headers['retry-after']], [503, 'outcome_unknown', '1'])
  assert.equal((await send(HEARTBEAT)).status, 202)
  assert.equal(written().length, 1)
})

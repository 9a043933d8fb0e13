import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessBy } from '../../test/support/records/access-keys.ts'
import { KeyRing } from '../access/key-ring.ts'
import type { Refusal } from '../audit/refusals.ts'
import type { Caller } from '../http/caller.ts'
import { EVENT, NOW, post, setUp } from './app-fixture.ts'

async function served(nodes: Caller['nodes'], scopes: Caller['scopes'] = new Set(['events:write'])) {
  const caller: Caller = { id: 'jwt:ana', scopes, nodes, operators: new Set(), fleetNode: null, grants: [] }
  const reported: (readonly [Refusal, number])[] = []
  const { app } = await setUp({
    access: accessBy(new KeyRing(), { jwt: async () => caller }),
    audit: { refused: (refusal, times = 1) => reported.push([refusal, times]) },
  })
  return { app, reported, headers: { authorization: 'Bearer x' } }
}

const events = (...nodes: string[]): string =>
  JSON.stringify(nodes.map((node_id, at) => Object.assign({}, EVENT, { event_id: `e${at}`, node_id })))

const foreign = (nodeId: string): Refusal => ({
  kind: 'foreign_node',
  subject: 'jwt:ana',
  address: '127.0.0.1',
  nodeId,
  reason: 'node_not_permitted',
})

test('events of nodes that a credential does not name are told with the first of them and their number', async () => {
  const { app, reported, headers } = await served(new Set(['mine']))
  const some = await post(app, events('mine', 'theirs', 'others', 'theirs'), headers)
  assert.deepEqual([some.status, some.accepted, some.rejected.length], [202, 1, 3])
  assert.equal((await post(app, events('others'), headers)).status, 422)
  assert.equal((await post(app, events('mine'), headers)).status, 202)
  assert.deepEqual(reported, [
    [foreign('theirs'), 3],
    [foreign('others'), 1],
  ])
})

test('heartbeats likewise', async () => {
  const { app, reported, headers } = await served(new Set(['mine']))
  const beats = ['theirs', 'mine', 'others'].map((node_id) => ({ heartbeat_id: 'h', node_id, sent_at: NOW }))
  const answer = await app.inject({ method: 'POST', url: '/v1/heartbeats', headers, payload: beats })
  assert.equal(answer.statusCode, 202)
  assert.deepEqual(reported, [[foreign('theirs'), 2]])
})

test('whoever speaks for all nodes tries none that is foreign', async () => {
  for (const [nodes, scope] of [['*', 'events:write'] as const, [new Set<string>(), 'admin'] as const]) {
    const { app, reported, headers } = await served(nodes, new Set([scope]))
    assert.equal((await post(app, events('a', 'b'), headers)).status, 202)
    assert.deepEqual(reported, [])
  }
})

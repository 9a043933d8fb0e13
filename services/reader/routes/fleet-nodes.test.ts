import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { STATE_KEY } from '../../../schemas/avro.ts'
import { EPOCH_LIVE_MS } from '../../../pipelines/fleet/contacts.ts'
import { newNode } from '../../../pipelines/fleet/node.ts'
import { fleetNodeCodec, fleetTaskCodec } from '../../../schemas/fleet/codecs.ts'
import { OUTCOMES } from '../../../schemas/fleet/outcomes.ts'
import type { FleetNode } from '../../../schemas/fleet/records.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { startWholeReader } from '../../../test/support/memory/whole-reader.ts'
import type { WholeReader } from '../../../test/support/memory/whole-reader.ts'
import { accessBy, addKey } from '../../../test/support/records/access-keys.ts'
import { KeyRing } from '../../access/key-ring.ts'
import { SCOPES } from '../../http/caller.ts'
import { FleetNodes } from '../present/fleet-nodes.ts'

const PATH = '/api/fleet/nodes/self'
const NOW = Date.UTC(2026, 10, 30, 12)
const PARTITIONS = 2
const OWN = { provider_id: 'krill', location_id: 'barn', node_id: 'agent-1' }

const keys = new KeyRing()
const fleetNodes = new FleetNodes(PARTITIONS)
let reader: WholeReader

before(async () => {
  reader = await startWholeReader({ access: accessBy(keys), fleetNodes, partitions: PARTITIONS })
})
after(() => reader[Symbol.asyncDispose]())

function told(node: Partial<FleetNode>, nowMs: number): void {
  const partition = partitionOfNode(OWN.provider_id, PARTITIONS)
  const value = fleetNodeCodec.encode({ ...newNode(OWN, NOW), ...node })
  fleetNodes.apply({ partition, key: Buffer.from('krill/barn/agent-1'), value })
  const task = { position: 1, next_seq: 1, now: nowMs, loaded_seq: 0, oldest_unloaded_at: null, ended: false }
  const key = Buffer.from(STATE_KEY.task)
  fleetNodes.apply({ partition, key, value: fleetTaskCodec.encode({ ...task, since: [] }) })
}

async function ask(fleet_node: typeof OWN | null, scopes: string[] = ['fleet:telemetry'], more = {}) {
  const authorization = `Bearer ${addKey(keys, { scopes, fleet_node })}`
  return await reader.ask('GET', PATH, { headers: { authorization, ...more } })
}

test('a node sees what came of it, what became of that, and what is missing', async () => {
  assert.equal((await ask(OWN)).body['code'], 'node_not_registered')
  const node = {
    last_heartbeat_at: NOW + 1,
    last_data_at: NOW + 2,
    software_version: '0.4.0',
    interval_s: 60,
    epoch: 7,
    low: { epoch: 6, seq: 30 },
    epochs: [{ epoch: 7, ranges: [{ from: 1, to: 90 }] }],
    lost: 4,
    outcomes: [{ outcome: 'discovered' as const, items: 80 }],
    quarantined: [{ hour: NOW, reason: 'too_old', items: 2 }],
    contacts: [{ epoch: 7, at: NOW + 2 }],
  }
  told(node, NOW + 3)
  const { status, body, headers } = await ask(OWN)
  const time = (ms: number): string => new Date(NOW + ms).toISOString()
  assert.equal(status, 200)
  const none = Object.fromEntries(Object.keys(OUTCOMES).map((word) => [word, 0]))
  assert.deepEqual(body, {
    ...OWN,
    as_of: time(3),
    first_seen_at: time(0),
    last_heartbeat_at: time(1),
    last_data_at: time(2),
    software_version: '0.4.0',
    interval_s: 60,
    newest_epoch: 7,
    epochs_live: 1,
    clone_contacts: 0,
    low: { epoch: 6, seq: 30 },
    epochs: node.epochs,
    lost: 4,
    outcomes: { ...none, discovered: 80 },
    quarantined: [{ hour: time(0), reason: 'too_old', items: 2 }],
    config_version: 0,
  })
  const again = await ask(OWN, ['fleet:telemetry'], { 'if-none-match': headers['etag'] })
  assert.equal(again.status, 304)
  told(node, NOW + 4)
  const later = await ask(OWN, ['fleet:telemetry'], { 'if-none-match': headers['etag'] })
  assert.equal(later.status, 304, 'only the time went on')
})

test('a clone shows as a newer epoch than the own one, and as two that are live', async () => {
  const contacts = [
    { epoch: 7, at: NOW + 9 },
    { epoch: 8, at: NOW + 8 },
  ]
  const node = { epoch: 8, contacts, clone_contacts: 3 }
  told(node, NOW + 10)
  const { body } = await ask(OWN)
  assert.deepEqual([body['newest_epoch'], body['epochs_live'], body['clone_contacts']], [8, 2, 3])
  told(node, NOW + 8 + EPOCH_LIVE_MS)
  assert.equal((await ask(OWN)).body['epochs_live'], 1, 'the newest has been silent for longer')
})

test('only a key that stands for a node of a fleet sees it, and only that node', async () => {
  told({}, NOW + 20)
  for (const scope of SCOPES) {
    const { status, body } = await ask(OWN, [scope])
    if (scope === 'fleet:telemetry' || scope === 'admin') assert.equal(status, 200)
    else assert.deepEqual([status, body['code']], [403, 'insufficient_scope'])
  }
  for (const scope of ['fleet:telemetry', 'admin']) {
    const { status, body } = await ask(null, [scope])
    assert.deepEqual([status, body['code']], [403, 'no_fleet_node'])
  }
  for (const other of [{ node_id: 'agent-2' }, { location_id: 'shed' }, { provider_id: 'plaice' }])
    assert.equal((await ask({ ...OWN, ...other })).status, 404)
  const unknown = await reader.ask('GET', `${PATH}?node_id=agent-2`, {
    headers: { authorization: `Bearer ${addKey(keys, { scopes: ['fleet:telemetry'], fleet_node: OWN })}` },
  })
  assert.notEqual(unknown.body['node_id'], 'agent-2')
})

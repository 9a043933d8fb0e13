import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATE_KEY } from '../../schemas/avro.ts'
import { fleetTaskCodec, workerTelemetryCodec } from '../../schemas/fleet/codecs.ts'
import type { FleetNode } from '../../schemas/fleet/records.ts'
import { CLONES_COUNTED, rulesAt } from '../../schemas/since.ts'
import { FleetModel } from '../../services/verify/fleet/model.ts'
import { CountedMetrics } from '../../test/support/oracles/counted-metrics.ts'
import { batch, item, nodeHeartbeat, sample } from '../../test/support/records/fleet-items.ts'
import { FleetLog, fleetRecord } from '../../test/support/records/fleet-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import type { LogRecord } from '../log/records.ts'
import { EPOCH_LIVE_MS, LIVE_EPOCHS_MAX, liveContacts } from './contacts.ts'

const NOW = Date.UTC(2026, 10, 30, 12)

/** What a node says: an epoch, how, and when. */
type Said = readonly [epoch: number, how: 'beats' | 'live' | 'replay', afterMs: number]

function inputOf(said: readonly Said[]): LogRecord[] {
  return said.map(([epoch, how, afterMs], offset) => {
    if (how === 'beats') return fleetRecord(offset, NOW + afterMs, { heartbeat: nodeHeartbeat({ epoch }) })
    const items = [item({ sample: sample(NOW) })]
    const fields = { epoch, lane: how, first_seq: offset + 1 } as const
    return fleetRecord(offset, NOW + afterMs, { batch: batch(items, fields) })
  })
}

async function heard(...said: readonly Said[]): Promise<FleetNode> {
  const log = new FleetLog(inputOf(said))
  await log.run()
  return log.nodes().get('p/l/n') ?? assert.fail('no node')
}

const contactsOf = ({ contacts }: FleetNode): [number, number][] =>
  contacts.map(({ epoch, at }) => [epoch, at - NOW])

test('a node that starts again is one program: what it said before, and what it replays, is no contact', async () => {
  const node = await heard(
    [1, 'live', 0],
    [1, 'beats', 10],
    [2, 'live', 20],
    [1, 'replay', 30],
    [2, 'beats', 40],
  )
  assert.deepEqual(contactsOf(node), [[2, 40]])
  assert.deepEqual([node.epoch, node.clone_contacts], [2, 0])
})

test('the first word of an epoch may be a replayed one', async () => {
  const node = await heard([1, 'live', 0], [2, 'replay', 10], [2, 'live', 20])
  assert.deepEqual([contactsOf(node), node.clone_contacts], [[[2, 20]], 0])
})

test('an earlier epoch that goes on speaking while a later one is live is a clone, and counted', async () => {
  const node = await heard(
    [4, 'live', 0],
    [7, 'live', 10],
    [4, 'live', 20],
    [7, 'beats', 30],
    [4, 'beats', 40],
  )
  assert.deepEqual(contactsOf(node), [
    [4, 40],
    [7, 30],
  ])
  assert.deepEqual([node.epoch, node.clone_contacts], [7, 2])
  assert.equal(liveContacts(node, NOW + 40).length, 2)
  assert.equal(liveContacts(node, NOW + 30 + EPOCH_LIVE_MS).length, 1)
  assert.equal(liveContacts(node, NOW + 40 + EPOCH_LIVE_MS).length, 0)
})

test('one that is alone again is no clone', async () => {
  const node = await heard([1, 'live', 0], [2, 'live', 10], [1, 'live', 10 + EPOCH_LIVE_MS])
  assert.deepEqual([contactsOf(node), node.clone_contacts], [[[1, 10 + EPOCH_LIVE_MS]], 0])
  const before = await heard([1, 'live', 0], [2, 'live', 10], [1, 'live', 9 + EPOCH_LIVE_MS])
  assert.equal(before.clone_contacts, 1)
})

test(`at most ${LIVE_EPOCHS_MAX} epochs are kept`, async () => {
  const node = await heard(
    [9, 'beats', 0],
    ...[1, 2, 3, 4, 5].map((epoch) => [epoch, 'beats', epoch] as const),
  )
  assert.deepEqual(
    contactsOf(node).map(([epoch]) => epoch),
    [3, 4, 5, 9],
  )
  assert.equal(node.clone_contacts, 5)
})

test('what came before these rules is no contact, for the task and for verify', async () => {
  const input = inputOf([
    [2, 'live', 0],
    [1, 'live', 10],
    [2, 'live', 20],
    [1, 'live', 30],
  ])
  const since = [
    { rules: CLONES_COUNTED - 1, offset: 0 },
    { rules: CLONES_COUNTED, offset: 2 },
  ]
  const task = { position: 0, next_seq: 1, now: 0, loaded_seq: 0, oldest_unloaded_at: null, ended: false }
  const metrics = new CountedMetrics()
  const log = new FleetLog(input, metrics)
  const record = inputRecord(0, NOW, fleetTaskCodec.encode({ ...task, since }))
  log.stateRecords = [{ ...record, key: Buffer.from(STATE_KEY.task) }]
  log.restart()
  await log.run()
  const model = new FleetModel()
  for (const { offset, timestampMs, value } of input) {
    model.pass(timestampMs)
    model.rules = rulesAt(since, offset)
    model.batch(workerTelemetryCodec.decode(value ?? assert.fail()), offset, timestampMs)
  }
  for (const nodes of [log.nodes(), model.nodes()]) {
    const node = nodes.get('p/l/n') ?? assert.fail('no node')
    const expected = [
      [1, 30],
      [2, 20],
    ]
    assert.deepEqual([contactsOf(node), node.clone_contacts], [expected, 1])
  }
  assert.equal(metrics.sumOf('hivemeter_fleet_clone_contacts_total'), 1)
})

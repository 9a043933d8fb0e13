import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AggregatorLog, usageRecord } from '../test/support/records/aggregator-log.ts'
import { INBOX_START_MS, cost, inboxUsage, nodeSum } from '../test/support/records/inbox.ts'
import { command, seen } from '../test/support/records/inbox-requests.ts'
import { testRulesRecord } from '../test/support/records/rules.ts'
import { batch, item, sample } from '../test/support/records/fleet-items.ts'
import { fleetRecord } from '../test/support/records/fleet-log.ts'
import { SITE } from '../test/support/records/inventory/inventory-commands.ts'
import { gatewayTick, scriptOf } from '../test/support/fleet/pages/one-worker.ts'
import { workersLog } from '../test/support/fleet/pages/workers-log.ts'
import { SettlerLog } from '../test/support/records/settler-log.ts'
import { inputRecord } from '../test/support/records/task-log.ts'
import type { TaskLog } from '../test/support/records/task-log.ts'
import { eventId, usageEvent } from '../test/support/records/usage-events.ts'
import { inboxAuditCodec, inboxCommandCodec } from './avro.ts'
import { TABLES, tablesFilledBy } from './tables.ts'
import { MINUTE_MS } from './units.ts'
import { BLOCK_ROLES } from './topics.ts'
import type { BlockRole } from './topics.ts'

test('every topic of blocks fills a table', () => {
  for (const role of BLOCK_ROLES) assert.ok(tablesFilledBy(role).length > 0, role)
})

/** The blocks of a task that has written a row of everything go to the tables of its topic, and to no other. */
function assertFilled(log: TaskLog, role: BlockRole): void {
  const written = new Set(log.blocks().map(({ table }) => table))
  const tables = Object.values(TABLES).filter(({ filledBy }) => filledBy === role || filledBy === 'every')
  assert.deepEqual([...written].toSorted(), tables.map(({ name }) => name).toSorted())
}

test('the aggregator fills the tables of its topic', async () => {
  const good = usageEvent({ event_id: eventId(1), occurred_at: INBOX_START_MS })
  const bad = usageEvent({ event_id: eventId(2), occurred_at: INBOX_START_MS, goal_id: '' })
  const log = new AggregatorLog({ input: [usageRecord(0, INBOX_START_MS, [good, bad])] })
  await log.run()
  assertFilled(log, 'usageBlocks')
})

test('the settler fills the tables of its topic', async () => {
  const node_id = 'node-a'
  const entries = [{ node_id, operator_id: 'op', cost: cost(9_000_000_000) }]
  const values = [
    testRulesRecord(),
    inboxUsage(0, 1, { entries, sums: [nodeSum(node_id)] }),
    inboxCommandCodec.encode(
      command('settings', { node_id, changes: [{ name: 'allow_metered_for_hive', value: true }] }),
    ),
    inboxAuditCodec.encode(seen()),
    Buffer.from('not ours'),
  ]
  const log = new SettlerLog(values.map((value, at) => inputRecord(at, INBOX_START_MS + at, value)))
  await log.run()
  assertFilled(log, 'settlementBlocks')
})

test('the fleet fills the tables of its topic', async () => {
  const laterMs = INBOX_START_MS + 30 * MINUTE_MS
  const records = [
    gatewayTick(0, INBOX_START_MS),
    fleetRecord(1, laterMs, { batch: batch([item({ sample: sample(laterMs, { serial: 'S' }) })]) }),
    inputRecord(2, laterMs, Buffer.from('not ours')),
    gatewayTick(3, laterMs + 15 * MINUTE_MS),
    ...SITE.map((made, at) => fleetRecord(4 + at, laterMs + 15 * MINUTE_MS, { command: made })),
  ]
  const log = workersLog(records, scriptOf('S', INBOX_START_MS))
  await log.run()
  assertFilled(log, 'fleetBlocks')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditFault } from '../../pipelines/account/inbox-bounds.ts'
import { SharedAppend } from '../../pipelines/log/shared-append.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { inboxAuditCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import type { InboxAudit } from '../../schemas/records.ts'
import { ManualClock, MemoryLog, settled } from '../gateway/fixtures.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { AUDIT_EVERY_MS, AuditLog } from './audit-log.ts'
import { AUDIT_ENTRIES_MAX } from './refusals.ts'
import type { Refusal } from './refusals.ts'

const PARTITIONS = 4

function started() {
  const clock = new ManualClock(0)
  const log = new MemoryLog(clock)
  const metrics = createMetrics('gateway')
  const audit = new AuditLog({
    inbox: new SharedAppend(log, clock),
    partitions: PARTITIONS,
    clock,
    random: systemRandom,
    metrics,
    logger: silentLogger,
  })
  audit.start()
  const written = (): InboxAudit[] => log.records.map(({ value }) => inboxAuditCodec.decode(value as Buffer))
  const minute = async () => {
    await clock.pass(AUDIT_EVERY_MS)
    await settled()
    await settled()
  }
  const counted = async (outcome: string) => {
    const line = (await metrics.text())
      .split('\n')
      .find((one) => one.startsWith('hivemeter_audit_records_total') && one.includes(`"${outcome}"`))
    return Number(line?.split(' ').at(-1))
  }
  return { audit, clock, log, written, minute, counted }
}

function refusal(subject = 'key:0123456789abcdef'): Refusal {
  return { kind: 'credential_refused', subject, address: '10.0.0.1', nodeId: '', reason: 'revoked' }
}

test('what is refused within a minute is one record of its subject, and the next minute begins at nothing', async () => {
  const { audit, log, written, minute, counted } = started()
  await minute()
  assert.deepEqual(written(), [])
  for (let count = 0; count < 1_000; count++) audit.refused(refusal())
  assert.deepEqual(written(), [], 'no request waits for it')
  await minute()
  audit.refused(refusal(), 7)
  await minute()
  await minute()
  assert.deepEqual(
    written().map(({ subject, count }) => [subject, count]),
    [
      ['key:0123456789abcdef', 1_000],
      ['key:0123456789abcdef', 7],
    ],
  )
  for (const entry of written()) assert.equal(auditFault(entry), null)
  for (const { partition, key } of log.records)
    assert.equal(partition, partitionOfNode(String(key), PARTITIONS))
  const [first, second] = written()
  assert.notDeepEqual(first?.entry_id, second?.entry_id)
  assert.deepEqual([await counted('written'), await counted('dropped')], [2, 0])
})

test('what the log did not take is sent again, unchanged, and refusals go on being added up', async () => {
  const { audit, log, written, minute, counted } = started()
  audit.refused(refusal(), 2)
  log.plan.push('store_and_refuse')
  await minute()
  audit.refused(refusal(), 3)
  await minute()
  audit.refused(refusal(), 4)
  await minute()
  const counts = written().map(({ count }) => count)
  assert.deepEqual(counts, [2, 2, 7], 'in the log twice, under one id; nothing is counted with it')
  const [first, again, later] = written()
  assert.deepEqual(first, again)
  assert.notDeepEqual(later?.entry_id, first?.entry_id)
  assert.equal(await counted('late'), 1)
})

test('while the log takes nothing, what is kept stays within its bound, and nothing is lost', async () => {
  const { audit, log, written, minute } = started()
  for (let round = 0; round < 5; round++) {
    for (let at = 0; at < 300; at++) audit.refused(refusal(`address:${round}.${at}`))
    log.plan.push(...Array.from({ length: PARTITIONS }, () => 'refuse' as const))
    await minute()
  }
  log.plan.length = 0
  await minute()
  await minute()
  const entries = written()
  assert.ok(entries.length <= AUDIT_ENTRIES_MAX + 2, `${entries.length} records`)
  assert.equal(
    entries.reduce((sum, { count }) => sum + count, 0),
    1_500,
  )
})

test('at the stop the last minute is written; what comes later, or is not taken, is counted as dropped', async () => {
  const { audit, written, counted, log } = started()
  audit.refused(refusal(), 5)
  await audit.stop()
  assert.deepEqual(
    written().map(({ count }) => count),
    [5],
  )
  audit.refused(refusal())
  assert.equal(await counted('dropped'), 1)
  const other = started()
  other.audit.refused(refusal())
  other.log.plan.push('refuse')
  await other.audit.stop()
  assert.equal(await other.counted('dropped'), 1)
  assert.equal(log.records.length, 1)
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  avroType,
  framed,
  inboxCommandCodec,
  inboxHeartbeatCodec,
  outcomeCodec,
  SCHEMA_ID,
  STATE_KEY,
} from '../../schemas/avro.ts'
import type { CommandKind, InboxCommand } from '../../schemas/records.ts'
import type { Setting } from '../../schemas/settings.ts'
import { RULES } from '../../schemas/since.ts'
import { AccountModel } from '../../services/verify/account/model.ts'
import { INBOX_START_MS, cost, inboxUsage } from '../../test/support/records/inbox.ts'
import { command, commandId, heartbeat } from '../../test/support/records/inbox-requests.ts'
import { assertAccounts } from '../../test/support/oracles/account-comparison.ts'
import { testRules, testRulesRecord } from '../../test/support/records/rules.ts'
import { SETTLER_TOPICS, SettlerLog } from '../../test/support/records/settler-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { HaltError } from '../log/records.ts'
import { OUTCOMES_PER_CREDENTIAL_MAX } from './outcomes.ts'

// Cases that the model of verify found against the settler.

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** The last millisecond of a minute, and the first one of the next minute. */
const BEFORE_MS = Math.ceil(INBOX_START_MS / MINUTE_MS) * MINUTE_MS - 1
const AFTER_MS = BEFORE_MS + 1

const request = (id: number, kind: CommandKind, fields: Partial<InboxCommand> = {}): Buffer =>
  inboxCommandCodec.encode(command(kind, { command_id: commandId(id), ...fields }))

const limit = (value: number): Setting[] => [{ name: 'metered_daily_limit_usd', value }]

function logOf(...values: readonly (readonly [value: Buffer, atMs: number])[]): SettlerLog {
  return new SettlerLog(values.map(([value, atMs], index) => inputRecord(index, atMs, value)))
}

/** Every status that was ever written for a command, in the order of the log. */
function statusesOf(log: SettlerLog, id: number): number[] {
  const key = `${STATE_KEY.commands}node-a/${commandId(id)}`
  return log.values(SETTLER_TOPICS.nodeState, key).map((value) => outcomeCodec.decode(value).status)
}

describe('what a command sets off', () => {
  it('is in the account that is written, so that a restart does not pay it again', async () => {
    const paid = { node_id: 'node-a', operator_id: 'op-1', cost: cost(50_000_000) }
    const overrides: Setting[] = [...testRules().overrides, { name: 'min_settlement_spark', value: 1 }]
    const log = logOf(
      [testRulesRecord(), BEFORE_MS],
      [inboxUsage(0, 1, { entries: [paid] }), BEFORE_MS],
      [testRulesRecord({ version: 2, overrides }), BEFORE_MS],
      [request(1, 'release', { reservation_id: 'none' }), BEFORE_MS],
      [request(2, 'settle'), BEFORE_MS],
    )
    await log.singles(4)
    log.restart()
    await log.run()
    assert.equal(log.rows('settlements').length, 1, 'settled once')
  })
})

describe('a request that a version of before has answered', () => {
  it('gets the same answer under the id of today, once more after a restart, and is decided once', async () => {
    const type = avroType('inbox-command.v1')
    const { older_id: _, ...before } = command('settings', { command_id: commandId(1), changes: limit(5) })
    const of1 = framed(SCHEMA_ID.inboxCommandV1, [type.toBuffer(before)])
    const again = (id: number): Buffer =>
      request(id, 'settings', { changes: limit(5), older_id: commandId(1) })
    const log = logOf(
      [testRulesRecord(), BEFORE_MS],
      [request(9, 'join'), BEFORE_MS],
      [of1, BEFORE_MS],
      [again(2), BEFORE_MS],
      [again(2), BEFORE_MS],
      [again(3), BEFORE_MS + DAY_MS + 2 * MINUTE_MS],
    )
    await log.singles(4)
    log.restart()
    await log.run()
    assert.deepEqual(
      [1, 2, 3].map((id) => statusesOf(log, id)),
      [[200], [200, 200], [200]],
    )
    const audited = log.rows('audit_log').map((row) => row['kind'])
    assert.deepEqual(audited, ['join', 'settings', 'settings'], 'a day later it is a request of its own')
  })
})

describe('a name that belongs to the task itself', () => {
  it('opens no account, whoever names it: the record is set aside, and the task goes on after a restart', async () => {
    for (const node_id of [...Object.values(STATE_KEY), '!', '!other']) {
      const log = logOf(
        [testRulesRecord(), BEFORE_MS],
        [request(1, 'settings', { node_id, changes: limit(5) }), BEFORE_MS],
        [inboxHeartbeatCodec.encode(heartbeat(1, { node_id })), BEFORE_MS],
        [request(2, 'join'), BEFORE_MS],
      )
      await log.singles(4)
      log.restart()
      await log.run()
      assert.deepEqual([...log.accounts().keys()], ['node-a'], node_id)
      assert.equal(log.rows('dead_letters').length, 2, node_id)
      assert.equal(log.task()?.position, 4)
    }
  })

  it('halts the partition where a range of usage brings it: it cannot be skipped', async () => {
    const log = logOf(
      [testRulesRecord(), BEFORE_MS],
      [inboxUsage(0, 1, { entries: [{ node_id: '!task', operator_id: null, cost: cost(1) }] }), BEFORE_MS],
    )
    await assert.rejects(
      log.run(),
      (error) => error instanceof HaltError && error.reason === 'inbox_malformed',
    )
  })
})

describe('the outcome of a command', () => {
  it('is seen by whoever waits for it, though the reservation is gone by the end of the batch', async () => {
    const log = logOf(
      [testRulesRecord(), BEFORE_MS],
      [request(1, 'join'), BEFORE_MS],
      [request(2, 'reserve', { cost_nano_usd: 1, ttl_ms: 1_000, reservation_id: 'r' }), BEFORE_MS],
      [request(3, 'release', { reservation_id: 'r' }), BEFORE_MS],
    )
    await log.run()
    assert.deepEqual(statusesOf(log, 2), [201])
  })

  it('is seen where a batch goes on into the next minute', async () => {
    const log = logOf(
      [testRulesRecord(), BEFORE_MS],
      [request(1, 'join', { changes: limit(1) }), BEFORE_MS],
      [request(2, 'reserve', { cost_nano_usd: 2, ttl_ms: 1_000 }), BEFORE_MS],
      [request(3, 'settle'), AFTER_MS],
    )
    await log.run()
    assert.deepEqual(statusesOf(log, 2), [409])
  })

  it('is seen of a write that is one too many', async () => {
    const writes = Array.from(
      { length: OUTCOMES_PER_CREDENTIAL_MAX + 1 },
      (_, id) => [request(id, id === 0 ? 'join' : 'settle'), BEFORE_MS] as const,
    )
    const last = OUTCOMES_PER_CREDENTIAL_MAX + 1
    const others = [
      [request(last, 'settle', { caller: 'another' }), BEFORE_MS],
      [request(last + 1, 'settle', { by_admin: true }), BEFORE_MS],
    ] as const
    const log = logOf([testRulesRecord(), BEFORE_MS], ...writes, ...others)
    await log.run()
    assert.deepEqual(
      [OUTCOMES_PER_CREDENTIAL_MAX, last, last + 1].map((id) => statusesOf(log, id)),
      [[429], [200], [200]],
    )
  })

  it('of a release is known for a day, of so many of a credential; of the others for the minute, and none is refused', async () => {
    const releases = Array.from(
      { length: OUTCOMES_PER_CREDENTIAL_MAX + 1 },
      (_, id) => [request(id + 10, 'release', { reservation_id: `r-${id}` }), BEFORE_MS] as const,
    )
    const [kept, last] = [10, OUTCOMES_PER_CREDENTIAL_MAX + 10]
    const again = (id: number) =>
      [request(id, 'release', { reservation_id: `r-${id - 10}` }), AFTER_MS] as const
    // A reservation of one of the names, so that a release that is decided anew gives it back.
    const reserve = (id: number) => {
      const fields = { cost_nano_usd: 1, ttl_ms: 60_000, reservation_id: `r-${id - 10}` }
      return [request(id + 5_000, 'reserve', fields), AFTER_MS] as const
    }
    const records = [
      [testRulesRecord(), BEFORE_MS],
      [request(1, 'join'), BEFORE_MS],
      ...releases,
      [request(2, 'settings', { changes: limit(5) }), BEFORE_MS],
      [request(3, 'release', { reservation_id: 'r', caller: 'another' }), BEFORE_MS],
      reserve(kept),
      reserve(last),
      again(kept),
      again(last),
      // About a node that nothing has named: it is kept among the writes, and a reservation there for the minute only.
      [request(4, 'release', { node_id: 'node-b', reservation_id: 'r' }), AFTER_MS],
      [request(5, 'reserve', { node_id: 'node-b', cost_nano_usd: 1, ttl_ms: 1_000 }), AFTER_MS],
    ] as const
    const log = logOf(...records)
    await log.singles(records.length - 300)
    log.restart()
    await log.run()
    assert.deepEqual(
      [kept, last, 2, 3].map((id) => statusesOf(log, id)),
      [[404, 404], [404, 204], [200], [404]],
    )
    const until = (node: string, id: number): number | undefined => {
      const values = log.values(SETTLER_TOPICS.nodeState, `${STATE_KEY.commands}${node}/${commandId(id)}`)
      const newest = values.at(-1)
      return newest && outcomeCodec.decode(newest).until
    }
    assert.deepEqual(
      [until('node-a', kept), until('node-a', last), until('node-b', 4), until('node-b', 5)],
      [BEFORE_MS + DAY_MS, AFTER_MS, AFTER_MS + DAY_MS, AFTER_MS],
    )
    const model = AccountModel.fromZero()
    model.since = [{ rules: RULES, offset: 0 }]
    for (const record of log.input) model.apply(record)
    assertAccounts(log.written(), model)
  })

  it('is known to a repeat or not by log time, wherever batches end', async () => {
    const reserve = request(2, 'reserve', { cost_nano_usd: 5, ttl_ms: 1_000 })
    const values = [
      [testRulesRecord(), BEFORE_MS],
      [request(1, 'join', { changes: limit(1) }), BEFORE_MS],
      [reserve, BEFORE_MS],
      [request(3, 'settings', { changes: limit(100) }), AFTER_MS],
      [reserve, AFTER_MS],
    ] as const
    const [whole, cut] = [logOf(...values), logOf(...values)]
    await whole.run()
    await cut.singles(values.length)
    assert.deepEqual(whole.rows('audit_log'), cut.rows('audit_log'))
  })
})

describe('a reservation', () => {
  it('is one of its name: another of the same name is refused, or the same', async () => {
    const named = { cost_nano_usd: 400_000_000, ttl_ms: 60_000, reservation_id: 'r' }
    const log = logOf(
      [testRulesRecord(), BEFORE_MS],
      [request(1, 'join'), BEFORE_MS],
      [request(2, 'reserve', named), BEFORE_MS],
      [request(3, 'reserve', named), BEFORE_MS],
    )
    await log.run()
    assert.equal(log.accounts().get('node-a')?.reservations.length, 1)
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  STATE_KEY,
  inboxCommandCodec,
  inboxHeartbeatCodec,
  outcomeCodec,
  tickCodec,
} from '../../schemas/avro.ts'
import { INBOX_START_MS, inboxUsage } from '../../test/support/records/inbox.ts'
import { command, commandId, heartbeat } from '../../test/support/records/inbox-requests.ts'
import { testRulesRecord } from '../../test/support/records/rules.ts'
import { SETTLER_TOPICS, SettlerLog } from '../../test/support/records/settler-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { HaltError } from '../log/records.ts'
import { UndecidedError } from '../task/undecided.ts'

const DAY_MS = 86_400_000
const AT_MS = INBOX_START_MS

const join = (id: number): Buffer => inboxCommandCodec.encode(command('join', { command_id: commandId(id) }))
const beat = (id: number): Buffer => inboxHeartbeatCodec.encode(heartbeat(id, { ad_impressions: 5 }))

function logOf(values: readonly Buffer[], failing: (name: string) => boolean): SettlerLog {
  return new SettlerLog(
    values.map((value, index) => inputRecord(index, AT_MS, value)),
    undefined,
    (name) => {
      if (failing(name)) throw new RangeError('no long')
    },
  )
}

const outcomesOf = (log: SettlerLog, id: number) =>
  log
    .values(SETTLER_TOPICS.nodeState, `${STATE_KEY.commands}node-a/${commandId(id)}`)
    .map((value) => outcomeCodec.decode(value))

test('decide names the record that it fails at', async () => {
  const log = logOf([testRulesRecord(), join(1), join(2)], (name) => name === `node-a/${commandId(2)}`)
  await assert.rejects(log.step(9), (error) => {
    assert.ok(error instanceof UndecidedError)
    assert.deepEqual([error.offset, error.index, error.message], [2n, null, 'no long'])
    return true
  })
})

test('a command set aside is a letter, and whoever waits is told 422, a repeat too', async () => {
  const log = logOf([testRulesRecord(), join(1), join(2), join(1)], (name) => name.endsWith(commandId(1)))
  await log.step(9, 'commit', [{ offset: 1n, index: null, detail: 'no long' }])
  const outcomes = outcomesOf(log, 1)
  assert.deepEqual(
    outcomes.map(({ status, code }) => [status, code]),
    [
      [422, 'cannot_be_decided'],
      [422, 'cannot_be_decided'],
    ],
  )
  assert.equal(outcomes[0]?.until, AT_MS + DAY_MS)
  assert.deepEqual(
    outcomesOf(log, 2).map(({ status }) => status),
    [200],
  )
  assert.deepEqual(
    log
      .rows('dead_letters')
      .map(({ topic, record_offset, reasons, indexes }) => [topic, record_offset, reasons, indexes]),
    [['account.inbox', 1n, ['cannot_be_decided'], [-1]]],
  )
  assert.equal(log.rows('audit_log').length, 1, 'of the one that was decided')
  log.restart()
  log.input = [...log.input, inputRecord(4, AT_MS, join(1))]
  await log.run()
  assert.equal(outcomesOf(log, 1).length, 3, 'the repeat is answered from node.state')
})

test('a heartbeat set aside is a letter and changes nothing', async () => {
  const log = logOf([testRulesRecord(), join(1), beat(7)], (name) => name === 'node-a/0000000000000007')
  await log.step(2)
  const before = log.accounts().get('node-a')
  await log.step(9, 'commit', [{ offset: 2n, index: null, detail: 'no long' }])
  assert.deepEqual(
    log.rows('dead_letters').map(({ reasons }) => reasons),
    [['cannot_be_decided']],
  )
  assert.deepEqual(log.accounts().get('node-a'), before)
})

test('ranges, rules and ticks are never set aside: the partition halts and says where', async () => {
  const values = [inboxUsage(0, 1, {}), testRulesRecord(), tickCodec.encode({ written_by: 'test' })]
  for (const value of values) {
    const log = logOf([value], () => false)
    await assert.rejects(log.step(1, 'commit', [{ offset: 0n, index: null, detail: 'no long' }]), (error) => {
      assert.ok(error instanceof HaltError)
      assert.equal(error.reason, 'cannot_be_decided')
      assert.match(error.message, /account\.inbox\[0\] at offset 0 .*no long/)
      return true
    })
  }
})

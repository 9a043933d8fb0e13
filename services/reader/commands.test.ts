import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeKey } from '../../pipelines/account/outcomes.ts'
import { SharedAppend } from '../../pipelines/log/shared-append.ts'
import type { LogAppend } from '../../pipelines/log/records.ts'
import { appendingWhole } from '../../test/support/memory/whole-append.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { inboxCommandCodec, outcomeCodec } from '../../schemas/avro.ts'
import type { InboxCommand } from '../../schemas/records.ts'
import { ManualClock } from '../gateway/fixtures.ts'
import { COMMANDS_WAITING_MAX, OUTCOME_TIMEOUT_MS } from './awaited-outcomes.ts'
import { Commands } from './commands.ts'

const ASKED = { node_id: 'n', kind: 'settle' as const }

function withCommands(append: (records: readonly LogAppend[]) => Promise<void> = async () => {}) {
  const sent: InboxCommand[] = []
  const clock = new ManualClock(0)
  const producer = appendingWhole(async (records) => {
    for (const { value } of records) sent.push(inboxCommandCodec.decode(value as Buffer))
    await append(records)
  })
  const commands = new Commands({
    inbox: new SharedAppend(producer, clock),
    partitions: 1,
    clock,
    random: systemRandom,
  })
  const answer = (command: InboxCommand, fields = {}): void => {
    const value = outcomeCodec.encode({
      body_hash: command.body_hash,
      status: 200,
      code: null,
      detail: '',
      // The result of a settle, and of a join.
      result: '{"settled_count":3,"micro_spark":"0","nano_usd":"0","tag":"\\"1.1\\""}',
      account_version: 3,
      until: 0,
      is_counted: true,
      caller: command.caller,
      by_admin: false,
      ...fields,
    })
    commands.see({ partition: 0, key: Buffer.from(outcomeKey(command.node_id, command.command_id)), value })
  }
  return { commands, sent, clock, answer }
}

test('the outcome that goes by is the answer of everybody who asked the same', async () => {
  const { commands, sent, answer } = withCommands()
  const origin = {
    caller: 'key:1',
    byAdmin: false,
    byOperator: false,
    holder: 'key:1',
    idempotencyKey: 'once',
  }
  const both = [commands.ask(ASKED, origin), commands.ask(ASKED, origin)]
  assert.ok(sent[0] !== undefined)
  answer(sent[0])
  assert.deepEqual(
    (await Promise.all(both)).map(({ settled_count }) => settled_count),
    [3, 3],
  )
})

test('an id belongs to the credential: another one with the same key asks something else', async () => {
  const { commands, sent, answer } = withCommands()
  const one = commands.ask(ASKED, {
    caller: 'key:1',
    byAdmin: false,
    byOperator: false,
    holder: 'key:1',
    idempotencyKey: 'once',
  })
  const other = commands.ask(ASKED, {
    caller: 'key:2',
    byAdmin: false,
    byOperator: false,
    holder: 'key:2',
    idempotencyKey: 'once',
  })
  await new Promise(setImmediate)
  assert.equal(new Set(sent.map(({ command_id }) => command_id)).size, 2)
  for (const command of sent) answer(command)
  await Promise.all([one, other])
})

test('no two requests share an id: of another node, kind, key or credential, however their parts meet', async () => {
  const { commands, sent, answer } = withCommands()
  const writes = (
    [
      ['n', 'settle', 'a', 'b/c'],
      ['n', 'settle', 'a/b', 'c'],
      ['n', 'settle', 'a/b/', 'c'],
      ['m', 'settle', 'a', 'b/c'],
      ['n', 'join', 'a', 'b/c'],
      ['1:n', 'settle', 'a', 'b/c'],
      ['n', 'settle', 'a1', ':b/c'],
    ] as const
  ).map(([node_id, kind, caller, idempotencyKey]) =>
    commands.ask(
      { node_id, kind },
      { caller, byAdmin: false, byOperator: false, holder: caller, idempotencyKey },
    ),
  )
  await new Promise(setImmediate)
  assert.equal(new Set(sent.map(({ command_id }) => command_id)).size, writes.length)
  const [first, second] = sent
  assert.equal(first?.older_id, second?.older_id, 'as versions of before named them')
  for (const command of sent) answer(command)
  await Promise.all(writes)
})

test('without a word in time the outcome is unknown, and the answer names the key to ask with', async () => {
  const { commands, clock } = withCommands()
  const write = commands.ask(ASKED, {
    caller: 'key:1',
    byAdmin: false,
    byOperator: false,
    holder: 'key:1',
    idempotencyKey: 'once',
  })
  const refused = assert.rejects(write, { code: 'outcome_unknown', extra: { idempotency_key: 'once' } })
  await clock.pass(OUTCOME_TIMEOUT_MS)
  await refused
})

test('what the settler refused is a problem, and so is an id used for something else', async () => {
  const { commands, sent, answer } = withCommands()
  const refused = assert.rejects(
    commands.ask(ASKED, {
      caller: 'c',
      byAdmin: false,
      byOperator: false,
      holder: 'c',
      idempotencyKey: null,
    }),
    {
      code: 'node_not_registered',
      extra: { error: 'Node not registered', node_id: 'n' },
    },
  )
  assert.ok(sent[0] !== undefined)
  answer(sent[0], { status: 404, code: 'node_not_registered', detail: 'No.' })
  await refused
  const reused = assert.rejects(
    commands.ask(ASKED, { caller: 'c', byAdmin: false, byOperator: false, holder: 'c', idempotencyKey: 'k' }),
    {
      code: 'idempotency_key_reused',
    },
  )
  await new Promise(setImmediate)
  assert.ok(sent[1] !== undefined)
  answer(sent[1], { body_hash: Buffer.alloc(16, 7) })
  await reused
})

test('COMMANDS_WAITING_MAX: of one credential half as many wait, more are refused before anything is sent', async () => {
  const { commands, clock } = withCommands()
  const waiting = Array.from({ length: COMMANDS_WAITING_MAX / 2 }, () =>
    assert.rejects(
      commands.ask(ASKED, {
        caller: 'c',
        byAdmin: false,
        byOperator: false,
        holder: 'c',
        idempotencyKey: null,
      }),
      {
        code: 'outcome_unknown',
      },
    ),
  )
  await assert.rejects(
    commands.ask(ASKED, {
      caller: 'c',
      byAdmin: false,
      byOperator: false,
      holder: 'c',
      idempotencyKey: null,
    }),
    {
      code: 'overloaded',
    },
  )
  await clock.pass(OUTCOME_TIMEOUT_MS)
  await Promise.all(waiting)
})

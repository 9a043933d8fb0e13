import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { outcomeCodec, STATE_KEY } from '../../schemas/avro.ts'
import { commandOutcomeCodec } from '../../schemas/commands/outcome.ts'
import type { CommandOutcome, Ending } from '../../schemas/commands/outcome.ts'
import { DONE_AS, REFUSALS, REFUSALS_OF_ALL, RESULT_CODECS } from '../../schemas/commands/results.ts'
import type { CommandResult } from '../../schemas/commands/results.ts'
import { DONE_STATUS, PROBLEMS, PROBLEM_TYPE } from '../../schemas/http/problem.ts'
import { COMMAND_KINDS } from '../../schemas/records.ts'
import type { CommandKind } from '../../schemas/records.ts'
import { answerOf, readerWithState, requestOf } from '../../test/fixtures/outcome-requests.ts'
import type { StateEntry, WriteRequest } from '../../test/fixtures/outcome-requests.ts'

// Every way in which a command can end, from the tables: through the log and to its answer.

const RESULTS: { readonly [Kind in CommandKind]: CommandResult<Kind> } = {
  settings: { policy_fields: ['max_hive_gpu_pct'], peer_fields: [], tag: '"3.1"' },
  join: { tag: '"1.1"' },
  claim: { operator_id: 'op-asked', micro_spark: '9007199254740993' },
  transfer: { operator_id: 'op-asked' },
  reserve: { id: 'r', expires_at: Date.UTC(2026, 1, 20, 13) },
  release: {},
  settle: { settled_count: 2, micro_spark: '9007199254740993', nano_usd: '90' },
  confirm: { operator_id: 'op-asked' },
}

const textOf = <Kind extends CommandKind>(kind: Kind, result: CommandResult<Kind> = RESULTS[kind]): string =>
  RESULT_CODECS[kind].encode(result)

function endingsOf(kind: CommandKind): Ending[] {
  const refused = [...REFUSALS_OF_ALL, ...REFUSALS[kind]].map(
    (code) => ({ become: 'refused', code, detail: `Why: ${code}.` }) as const,
  )
  return [{ become: DONE_AS[kind], result: textOf(kind) }, ...refused]
}

const ENDINGS = COMMAND_KINDS.flatMap((kind) => endingsOf(kind).map((ending) => ({ kind, ending })))

const statusOf = (ending: Ending): number =>
  ending.become === 'refused' ? PROBLEMS[ending.code].status : DONE_STATUS[ending.become]

const KEPT = {
  body_hash: Buffer.alloc(16, 1),
  account_version: 3,
  until: 4,
  is_counted: true,
  caller: 'key:1',
  by_admin: false,
}

describe('each kind of command and each refusal', () => {
  it('comes out of the log as it went in, with its status beside it', () => {
    for (const { kind, ending } of ENDINGS) {
      const outcome: CommandOutcome = { ...KEPT, ...ending }
      const bytes = commandOutcomeCodec.encode(outcome)
      assert.deepEqual(commandOutcomeCodec.decode(bytes), outcome)
      assert.deepEqual(commandOutcomeCodec.encode(commandOutcomeCodec.decode(bytes)), bytes)
      assert.equal(outcomeCodec.decode(bytes).status, statusOf(ending))
      if (ending.become !== 'refused')
        assert.deepEqual(RESULT_CODECS[kind].decode(ending.result), RESULTS[kind])
    }
  })

  it('is answered with its status, and a refusal with its code and its words', async () => {
    const asked = await sentOnce()
    const { reader } = await readerWithState(asked.state)
    await using _ = reader
    for (const { ending, request } of asked.cases) {
      const answer = await answerOf(reader, request)
      assert.equal(answer.status, statusOf(ending), answer.body)
      if (ending.become !== 'refused') continue
      assert.equal(String(answer.headers['content-type']).split(';')[0], PROBLEM_TYPE)
      const { code, detail, status } = JSON.parse(answer.body) as Record<string, unknown>
      assert.deepEqual([code, detail, status], [ending.code, ending.detail, answer.status])
    }
  })
})

interface SentCommands {
  readonly state: readonly StateEntry[]
  readonly cases: readonly { readonly ending: Ending; readonly request: WriteRequest }[]
}

/** Sends each command once, with its outcome in the log ending in this way. Those that no route sends are left out. */
async function sentOnce(): Promise<SentCommands> {
  const { reader, state } = await readerWithState()
  await using _ = reader
  const join = requestOf('join', 'first')
  assert.ok(join !== null)
  await answerOf(reader, join)
  const cases: SentCommands['cases'][number][] = []
  const ended: StateEntry[] = []
  for (const [at, { kind, ending }] of ENDINGS.entries()) {
    const request = requestOf(kind, `ending ${at}`)
    if (request === null) continue
    const before = new Set(state.keys())
    await answerOf(reader, request)
    const entry = [...state.values()].find(
      ({ key }) => !before.has(key) && key.startsWith(STATE_KEY.commands),
    )
    assert.ok(entry !== undefined)
    const { body_hash, ...kept } = commandOutcomeCodec.decode(Buffer.from(entry.value, 'base64'))
    const value = commandOutcomeCodec.encode({ ...KEPT, until: kept.until, body_hash, ...ending })
    ended.push({ ...entry, value: value.toString('base64') })
    cases.push({ ending, request })
  }
  const others = [...state.values()].filter(({ key }) => !key.startsWith(STATE_KEY.commands))
  return { state: [...others, ...ended], cases }
}

describe('what is no outcome', () => {
  const record = { ...KEPT, status: 200, code: null, detail: '', result: '{}' }

  it('is not taken for one: a status or a code that no version has written', () => {
    const refused = { ...record, status: 409, code: 'no_such_code' }
    assert.throws(() => commandOutcomeCodec.decode(outcomeCodec.encode(refused)), /no_such_code/)
    const done = { ...record, status: 202 }
    assert.throws(() => commandOutcomeCodec.decode(outcomeCodec.encode(done)), /202/)
  })

  it('is no result of another kind, and no text', () => {
    assert.throws(() => RESULT_CODECS.claim.decode(textOf('transfer')), /"claim"/)
    assert.throws(() => RESULT_CODECS.settle.decode('{"settled_count":1,"micro_spark":"x","nano_usd":"1"}'))
    assert.throws(() => RESULT_CODECS.join.decode(''))
  })
})

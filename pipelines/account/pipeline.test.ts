import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { inboxConfigureCodec, tickCodec } from '../../schemas/avro.ts'
import { COST_RECOVERY, ISSUER_WALLET, tablesFilledBy } from '../../schemas/tables.ts'
import { anyInbox, cost, INBOX_START_MS, inboxUsage, nodeSum } from '../../test/support/records/inbox.ts'
import type { Row } from '../../test/support/oracles/row-reader.ts'
import { testRules, testRulesRecord } from '../../test/support/records/rules.ts'
import { SettlerLog } from '../../test/support/records/settler-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import type { TransactionEnd } from '../../test/support/records/task-log.ts'
import { HaltError } from '../log/records.ts'
import { UNLOADED_AGE_MS_MAX, UNLOADED_GRACE_MS } from '../blocks/unloaded.ts'

const cuts = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 40 })
const ends = fc.array(fc.constantFrom<TransactionEnd>('commit', 'commit', 'lost', 'unknown'), {
  maxLength: 40,
})
const halts = (reason: string) => (error: unknown) => error instanceof HaltError && error.reason === reason

/** What must not depend on how the input was cut: rows as sequences for each table, accounts, and the task's position. */
function resultOf(log: SettlerLog): unknown {
  const task = log.task()
  return {
    rows: tablesFilledBy('settlementBlocks').map(({ name }) => log.rows(name)),
    accounts: log.accounts(),
    task: task && { ...task, next_seq: 0, loaded_seq: 0, oldest_unloaded_at: 0 },
  }
}

/** Blocks are numbered without gaps, and the task record says which number is next. */
function assertNumbered(log: SettlerLog): void {
  const seqs = log.blocks().map(({ seq }) => seq)
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  )
  assert.equal(log.task()?.next_seq ?? 1, seqs.length + 1)
}

test('any batch borders give the same accounts, decisions, settlements and ledger', async () => {
  await fc.assert(
    fc.asyncProperty(anyInbox, cuts, async (input, cuts) => {
      const whole = new SettlerLog(input)
      await whole.run()
      const cut = new SettlerLog(input)
      await cut.run(cuts)
      assert.deepEqual(resultOf(cut), resultOf(whole))
      assertNumbered(cut)
    }),
    { numRuns: 80 },
  )
})

test('a task thrown away anywhere goes on to the same result from what was committed', async () => {
  await fc.assert(
    fc.asyncProperty(anyInbox, cuts, ends, async (input, cuts, ends) => {
      const smooth = new SettlerLog(input)
      await smooth.run()
      const shaken = new SettlerLog(input)
      await shaken.run(cuts, ends)
      assert.deepEqual(resultOf(shaken), resultOf(smooth))
      assertNumbered(shaken)
    }),
    { numRuns: 80 },
  )
})

const PAYABLE = new Set(['pending', 'written_off'])
const big = (cell: Row[string] | undefined): bigint => cell as bigint

test('the ledger’s legs sum to zero, its wallets to what the accounts say, and settlements tile', async () => {
  await fc.assert(
    fc.asyncProperty(anyInbox, cuts, async (input, cuts) => {
      const log = new SettlerLog(input)
      await log.run(cuts)
      const ledger = log.rows('wallet_ledger')
      const settlements = log.rows('settlements')
      const decisions = log.rows('cost_decisions')
      const sumOf = (rows: readonly Row[], column: string): bigint =>
        rows.reduce((sum, row) => sum + big(row[column]), 0n)
      assert.equal(sumOf(ledger, 'micro_spark'), 0n)
      const rewards = ledger.filter(
        ({ kind, wallet_id }) => kind !== COST_RECOVERY && wallet_id !== ISSUER_WALLET,
      )
      assert.equal(ledger.length, (settlements.length + rewards.length) * 2)
      assert.equal(new Set(ledger.map((row) => row['entry_id'])).size, ledger.length)
      assert.equal(new Set(settlements.map((row) => row['settlement_id'])).size, settlements.length)
      for (const settlement of settlements) {
        const legs = ledger.filter((row) => row['reference_id'] === settlement['settlement_id'])
        assert.deepEqual(
          legs.map((row) => [row['wallet_id'], row['counter_wallet_id'], row['micro_spark']]),
          [
            [settlement['operator_id'], ISSUER_WALLET, big(settlement['micro_spark'])],
            [ISSUER_WALLET, settlement['operator_id'], -big(settlement['micro_spark'])],
          ],
        )
      }
      for (const account of log.accounts().values()) {
        const ofNode = (rows: readonly Row[]): Row[] =>
          rows.filter((row) => row['node_id'] === account.node_id)
        let through = 0n
        for (const settlement of ofNode(settlements)) {
          assert.equal(settlement['from_seq'], through)
          through = big(settlement['to_seq'])
          const paid = ofNode(decisions).filter(
            (row) =>
              PAYABLE.has(String(row['decision'])) &&
              big(row['cost_seq']) > big(settlement['from_seq']) &&
              big(row['cost_seq']) <= through,
          )
          assert.equal(sumOf(paid, 'micro_spark'), settlement['micro_spark'])
          assert.equal(settlement['spark'], big(settlement['micro_spark']) / 1_000_000n)
          assert.equal(BigInt(paid.length), settlement['costs'])
          assert.equal(sumOf(paid, 'cost_nano_usd'), settlement['cost_nano_usd'])
        }
        assert.equal(BigInt(account.settled_through), through)
        assert.equal(sumOf(ofNode(settlements), 'micro_spark'), account.settled_micro_spark)
        assert.equal(
          sumOf(ofNode(decisions), 'micro_spark'),
          account.settled_micro_spark + account.pending_micro_spark + account.unclaimed_micro_spark,
        )
        const earned = account.operators.reduce((sum, { micro_spark }) => sum + micro_spark, 0n)
        assert.equal(earned, account.settled_micro_spark + account.reward_micro_spark)
        assert.equal(sumOf(ofNode(rewards), 'micro_spark'), account.reward_micro_spark)
      }
    }),
    { numRuns: 80 },
  )
})

test('a range that was applied is dropped, and one that does not follow halts', async () => {
  const usage = (from: number, to: number): Buffer => inboxUsage(from, to, { sums: [nodeSum('node-a')] })
  const ranges = (list: readonly (readonly [number, number])[]) =>
    list.map(([from, to], index) => inputRecord(index, INBOX_START_MS, usage(from, to)))
  const log = new SettlerLog(
    ranges([
      [0, 10],
      [10, 12],
      [0, 10],
      [10, 12],
      [5, 12],
      [12, 12],
      [12, 13],
    ]),
  )
  await log.run()
  assert.equal(log.accounts().get('node-a')?.events, 4)
  for (const [from, to] of [
    [13, 20],
    [5, 20],
    [11, 13],
  ] as const) {
    const halted = new SettlerLog(
      ranges([
        [0, 10],
        [10, 12],
        [from, to],
      ]),
    )
    await assert.rejects(halted.run(), halts('hand_over_gap'), `${from} to ${to}`)
  }
})

test('ranges tile by offset and index', async () => {
  type Place = readonly [offset: number, index: number]
  const range = ([from, fromIndex]: Place, [to, toIndex]: Place, at: number) => {
    const fields = { from_index: fromIndex, to_index: toIndex, sums: [nodeSum('node-a')] }
    return inputRecord(at, INBOX_START_MS, inboxUsage(from, to, fields))
  }
  const tiling = [
    range([0, 0], [3, 5], 0),
    range([3, 5], [3, 9], 1),
    range([3, 5], [3, 9], 2),
    range([3, 9], [4, 0], 3),
  ]
  const log = new SettlerLog(tiling)
  await log.run([1, 1, 1, 1])
  assert.equal(log.accounts().get('node-a')?.events, 3)
  for (const wrong of [range([3, 6], [3, 9], 1), range([3, 4], [3, 9], 1), range([3, 0], [4, 0], 1)]) {
    await assert.rejects(new SettlerLog([...tiling.slice(0, 1), wrong]).run(), halts('hand_over_gap'))
  }
})

test('rules enter by the log: a higher version holds from there on, a lower one changes nothing', async () => {
  const configure = (version: number, rate: number): Buffer =>
    testRulesRecord({ version, spark_per_usd: rate })
  const paid = (from: number): Buffer =>
    inboxUsage(from, from + 1, {
      entries: [{ node_id: 'node-a', operator_id: 'op-1', cost: cost(1_000_000_000) }],
    })
  const values = [
    configure(1, 100),
    paid(0),
    configure(2, 200),
    paid(1),
    configure(1, 7),
    paid(2),
    configure(2, 9),
    paid(3),
  ]
  const log = new SettlerLog(values.map((value, index) => inputRecord(index, INBOX_START_MS, value)))
  await log.run([1, 1, 1, 1, 1, 1, 1, 1], ['commit', 'commit', 'unknown', 'commit', 'unknown'])
  assert.deepEqual(
    log.rows('cost_decisions').map((row) => [row['spark'], row['spark_per_usd'], row['rules_version']]),
    [
      [100n, 100n, 1],
      [200n, 200n, 2],
      [200n, 200n, 2],
      [200n, 200n, 2],
    ],
  )
})

test('a task whose record has a lower version of the rules appends them, and only then', async () => {
  const rules = testRules({ version: 3, spark_per_usd: 150 })
  const log = new SettlerLog([], rules)
  assert.deepEqual(
    log.toAppend.map((value) => inboxConfigureCodec.encode(inboxConfigureCodec.decode(value))),
    [inboxConfigureCodec.encode(rules)],
  )
  const [value = null] = log.toAppend
  log.input = [inputRecord(0, INBOX_START_MS, value)]
  await log.run()
  log.restart()
  assert.equal(log.toAppend.length, 1)
  const older = new SettlerLog([], testRules({ version: 2, spark_per_usd: 1 }))
  older.stateRecords = log.stateRecords
  older.toAppend.length = 0
  older.restart()
  assert.equal(older.toAppend.length, 0)
})

test('log time made non-decreasing is when things are decided, and a tick ends the group', async () => {
  const entry = { node_id: 'node-a', operator_id: 'op-1', cost: cost(1) }
  const log = new SettlerLog([
    inputRecord(0, INBOX_START_MS + 10, inboxUsage(0, 1, { entries: [entry] })),
    inputRecord(1, INBOX_START_MS, inboxUsage(1, 2, { entries: [entry] })),
    inputRecord(2, INBOX_START_MS + 11, tickCodec.encode({ written_by: 'test' })),
  ])
  await log.run([1, 1, 1])
  assert.deepEqual(
    log.rows('cost_decisions').map((row) => row['decided_at']),
    [INBOX_START_MS + 10, INBOX_START_MS + 10],
  )
  const watermarks = log.blocks().filter(({ table }) => table === 'watermarks')
  assert.deepEqual(
    watermarks.map(({ ends }) => ends),
    [true, false, true],
  )
})

test('a record that is none of the inbox is a dead letter, byte for byte, and the partition goes on', async () => {
  const values = [Buffer.from('not ours'), null, Buffer.from([0, 0, 0, 0, 77, 1, 2])]
  const log = new SettlerLog([
    ...values.map((value, index) => inputRecord(index, INBOX_START_MS, value)),
    inputRecord(3, INBOX_START_MS, inboxUsage(0, 1, { sums: [nodeSum('node-a')] })),
  ])
  await log.run()
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['topic'], row['record_offset'], row['value'], row['reasons']]),
    values.map((value, index) => [
      'account.inbox',
      BigInt(index),
      value?.toString('latin1') ?? null,
      ['unknown_schema'],
    ]),
  )
  assert.equal(log.accounts().get('node-a')?.events, 1)
})

test('the task record stands last in every transaction and says where it came to', async () => {
  const log = new SettlerLog([
    inputRecord(0, INBOX_START_MS, inboxUsage(0, 9, { sums: [nodeSum('node-a')] })),
    inputRecord(6, INBOX_START_MS, tickCodec.encode({ written_by: 'test' })),
  ])
  await log.step(1)
  const [last] = log.committed.slice(-1)
  assert.deepEqual([last?.topic, last?.key], ['node.state', '!task'])
  assert.deepEqual([log.task()?.position, log.task()?.handed_offset, log.task()?.handed_index], [1, 9, 0])
  await log.step(1)
  assert.equal(log.task()?.position, 7)
})

test('a task halts where its state or its input has lost what it needs', async () => {
  const log = new SettlerLog([
    inputRecord(0, INBOX_START_MS, inboxUsage(0, 1, { sums: [nodeSum('node-a')] })),
  ])
  await log.run()
  log.input = [inputRecord(2, INBOX_START_MS, null)]
  assert.throws(() => log.restart(), halts('input_deleted'))
  log.input = []
  log.stateRecords = log.stateRecords.filter(({ key }) => String(key) !== '!task')
  assert.throws(() => log.restart(), halts('task_record_missing'))
})

test('a task halts when its blocks have waited 3 days for ClickHouse, and goes on once they are loaded', async () => {
  const at = (offset: number, atMs: number) =>
    inputRecord(offset, atMs, tickCodec.encode({ written_by: 'test' }))
  const later = INBOX_START_MS + UNLOADED_AGE_MS_MAX + 1
  const waited = later + UNLOADED_GRACE_MS
  const log = new SettlerLog([at(0, INBOX_START_MS), at(1, later), at(2, waited), at(3, waited + 1)])
  log.loadedSeq = 0
  await log.step(1)
  // The restart is such a silence: the blocks that waited get time to be loaded.
  log.restart()
  await log.step(1)
  await log.step(1)
  await assert.rejects(log.step(1), halts('unloaded_blocks'))
  log.loadedSeq = 3
  log.restart()
  await log.step(1)
  assert.equal(log.task()?.position, 4)
  assert.equal(log.task()?.loaded_seq, 3)
})

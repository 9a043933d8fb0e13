import { partitionOfNode } from '../../../schemas/ids.ts'
import type { Account } from '../../../schemas/records.ts'
import { nothingYet } from '../../../schemas/older-records.ts'
import { COST_RECOVERY, ISSUER_WALLET } from '../../../schemas/tables.ts'
import { windowStart } from '../../../schemas/usage.ts'
import { compareAccounts } from './tables/accounts.ts'
import { checkTables } from './tables/check-tables.ts'
import type { CheckedTables } from './tables/check-tables.ts'
import { Commands } from './tables/commands.ts'
import type { RequestAttempt, AuditRow } from './tables/commands.ts'
import type { DecisionRow } from './tables/decisions.ts'
import { History } from './history/history.ts'
import type { Attempt } from './history/history.ts'
import type { LedgerRow } from './tables/ledger.ts'
import { totalsOf } from './tables/node-totals.ts'
import { Problems } from './problems.ts'
import type { RawRow } from './tables/raw-rows.ts'
import type { SettlementRow } from './tables/settlements.ts'
import { WINDOW_TABLES } from './tables/windows.ts'
import type { WindowRow, WindowTable } from './tables/windows.ts'
import type { Work } from './work.ts'

/** A small world that the tests damage: everything in it can be changed. */

export const PARTITIONS = 2
/** Noon of a day. */
export const NOON_MS = Date.UTC(2026, 4, 10, 12)
const DAY_MS = 86_400_000

/** Removes `readonly`, so that a test can damage a row. */
type Damageable<Row> = { -readonly [Column in keyof Row]: Row[Column] }

export class World {
  readonly attempts: Attempt[] = []
  readonly requests: Damageable<RequestAttempt>[] = []
  readonly audit: Damageable<AuditRow>[] = []
  readonly rows: Damageable<RawRow>[] = []
  readonly windows = new Map<string, Damageable<WindowRow>[]>()
  readonly decisions: Damageable<DecisionRow>[] = []
  readonly settlements: Damageable<SettlementRow>[] = []
  readonly ledger: Damageable<LedgerRow>[] = []
  readonly accounts = new Map<string, Damageable<Account>>()

  get history(): History {
    const history = new History()
    for (const attempt of this.attempts) history.add(attempt)
    return history
  }

  /** Compares everything that is stored with the history; returns also what was found wrong. */
  async check(): Promise<{ readonly problems: Problems; readonly tables: CheckedTables }> {
    const problems = new Problems()
    const commands = new Commands(this.requests, problems)
    const tables = await checkTables(
      {
        beyond: async () => 0,
        rawRows: (partition) => given(this.rows.filter((row) => row.partition === partition)),
        windows: ({ name }, partition) =>
          given((this.windows.get(name) ?? []).filter((row) => partitionOf(row) === partition)),
        decisions: () => given(this.decisions),
        settlements: () => given(this.settlements),
        ledger: () => given(this.ledger),
        audit: () => given(this.audit),
      },
      this.history,
      commands,
      PARTITIONS,
      problems,
    )
    const { raw, decisions, settlements, ledger } = tables
    const totals = totalsOf(raw.counted.values())
    const { balances, rewards } = ledger
    const expected = {
      totals,
      costs: decisions.nodes,
      settlements: settlements.nodes,
      balances,
      rewards: rewards.nodes,
      impressions: commands.impressions,
    }
    compareAccounts(this.accounts, expected, problems)
    return { problems, tables }
  }

  async lines(): Promise<string[]> {
    return (await this.check()).problems.lines()
  }
}

const partitionOf = ({ nodeId }: { readonly nodeId: string }): number => partitionOfNode(nodeId, PARTITIONS)

async function* given<Row>(rows: readonly Row[]): AsyncGenerator<Row> {
  yield* rows
}

/** Work without special cases: hive work of a local model, 4 cents, all of it estimated: 150 ms, 7 mWh. */
export function workOf(fields: Partial<Work> = {}): Work {
  return {
    operatorId: 'op',
    modelId: 'luxtts',
    taskSource: 'hive',
    occurredAtMs: NOON_MS,
    tokensIn: 100,
    tokensOut: 50,
    durationMs: 10,
    gpuMs: null,
    energyMwh: null,
    energySource: 'none',
    costNanoUsd: 40_000_000,
    inferences: 1,
    execution: null,
    ...fields,
  }
}

export function attemptOf(nodeId: string, number: number, fields: Partial<Attempt> = {}): Attempt {
  const id = number.toString(16).padStart(32, '0')
  return { nodeId, id, work: workOf(), outcome: 'accepted', isConflict: false, ...fields }
}

/** The row that the aggregator would write for an attempt with `workOf()`'s kind of work. */
export function rowOf({ nodeId, id, work }: Attempt, receivedAtMs = NOON_MS): RawRow {
  return {
    partition: partitionOf({ nodeId }),
    nodeId,
    id,
    work: { ...work },
    receivedAtMs,
    late: false,
    modelsVersion: 1,
    gpuMsEstimated: work.tokensIn + work.tokensOut,
    energyMwhEstimated: 7,
    energyMwhCompatible: 7,
  }
}

/** Two nodes, four accepted events each, a minute apart; three are paid, the fourth is pending. */
export function smallWorld(): World {
  const world = new World()
  for (const nodeId of ['node-a', 'node-b']) addNode(world, nodeId)
  for (const table of WINDOW_TABLES) world.windows.set(table.name, windowsOf(world.rows, table))
  return world
}

const EVENTS = 4
const SETTLED = 3
const MICRO_SPARK = 12_000_000n

function addNode(world: World, nodeId: string): void {
  for (let number = 1; number <= EVENTS; number++) {
    const atMs = NOON_MS + number * 60_000
    const attempt = attemptOf(nodeId, number, { work: workOf({ occurredAtMs: atMs }) })
    world.attempts.push(attempt)
    world.rows.push(rowOf(attempt, atMs))
    world.decisions.push({
      nodeId,
      costSeq: number,
      id: attempt.id,
      operatorId: 'op',
      taskSource: 'hive',
      occurredAtMs: atMs,
      decidedAtMs: atMs + 5,
      decision: 'pending',
      costNanoUsd: 40_000_000n,
      spark: 4n,
      sparkPerUsd: 100n,
      rulesVersion: 1,
      reservationId: '',
      microSpark: 4_000_000n,
      day: Math.floor(NOON_MS / DAY_MS),
      daySpent: 40_000_000n * BigInt(number - 1),
      dayLimit: 0n,
    })
  }
  addPayment(world, nodeId)
  world.accounts.set(nodeId, accountOf(nodeId))
}

function addPayment(world: World, nodeId: string): void {
  const [id, settledAtMs] = [`settlement-of-${nodeId}`, NOON_MS + SETTLED * 60_000 + 5]
  world.settlements.push({
    nodeId,
    id,
    operatorId: 'op',
    fromSeq: 0,
    toSeq: SETTLED,
    costs: SETTLED,
    costNanoUsd: 120_000_000n,
    spark: 12n,
    microSpark: MICRO_SPARK,
    settledAtMs,
    reason: 'threshold',
  })
  const booked = { nodeId, kind: COST_RECOVERY, referenceId: id, bookedAtMs: settledAtMs }
  const [toOperator, toIssuer] = [
    { walletId: 'op', counterWalletId: ISSUER_WALLET, microSpark: MICRO_SPARK },
    { walletId: ISSUER_WALLET, counterWalletId: 'op', microSpark: -MICRO_SPARK },
  ]
  world.ledger.push({ entryId: `${id}-operator`, ...toOperator, ...booked })
  world.ledger.push({ entryId: `${id}-issuer`, ...toIssuer, ...booked })
}

/** The account of a node of the small world. */
export function accountOf(nodeId: string, fields: Partial<Account> = {}): Account {
  return {
    node_id: nodeId,
    version: 9,
    tier: 'flat',
    first_seen_at: NOON_MS,
    changed_at: NOON_MS,
    watermark: 0,
    rules_version: 1,
    operators: [
      {
        operator_id: 'op',
        since: NOON_MS,
        micro_spark: MICRO_SPARK,
        entries: 1,
        last_entry_at: NOON_MS,
        remainder: 0,
        confirmed: false,
      },
    ],
    events: EVENTS,
    inferences: BigInt(EVENTS),
    tokens_in: 400n,
    tokens_out: 200n,
    gpu_ms_measured: 0n,
    gpu_ms_estimated: 600n,
    gpu_ms_paid_estimated: 0n,
    set_aside: 0,
    energy_mwh_measured: 0n,
    energy_mwh_estimated: 28n,
    energy_mwh_compatible: 28n,
    cost_nano_usd: 160_000_000n,
    cost_seq: EVENTS,
    settled_through: SETTLED,
    pending_count: 1,
    pending_nano_usd: 40_000_000n,
    pending_micro_spark: 4_000_000n,
    pending_since: NOON_MS,
    unclaimed_count: 0,
    unclaimed_nano_usd: 0n,
    unclaimed_micro_spark: 0n,
    settlements: 1,
    settled_nano_usd: 120_000_000n,
    settled_micro_spark: 12_000_000n,
    ...nothingYet(),
    ...fields,
  }
}

function windowsOf(rows: readonly RawRow[], { sizeMs }: WindowTable): WindowRow[] {
  const groups = Map.groupBy(
    rows,
    ({ nodeId, work }) => `${nodeId} ${windowStart(work.occurredAtMs, sizeMs)}`,
  )
  return [...groups.values()].map((group) => {
    const [{ nodeId, work }] = group as [RawRow]
    const { modelId, taskSource, occurredAtMs } = work
    const sums = [1, 0, 100, 50, 10, 0, 150, 0, 7, 7, 1, 0, 40_000_000].map((value) =>
      BigInt(value * group.length),
    )
    return { nodeId, startMs: windowStart(occurredAtMs, sizeMs), modelId, taskSource, sums }
  })
}

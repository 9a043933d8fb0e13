import type { Account } from '../../../../schemas/records.ts'
import type { Impressions } from './commands.ts'
import type { NodeCosts } from './decisions.ts'
import { balanceKey } from './ledger.ts'
import type { Balance } from './ledger.ts'
import { TOTAL_COLUMNS, noTotals } from './node-totals.ts'
import type { NodeTotals } from './node-totals.ts'
import type { Problems } from '../problems.ts'
import type { NodeRewards } from './rewards.ts'
import type { NodeSettlements } from './settlements.ts'

/** What the tables contain about every node. */
export interface AccountExpectations {
  readonly totals: ReadonlyMap<string, NodeTotals>
  readonly costs: ReadonlyMap<string, NodeCosts>
  readonly settlements: ReadonlyMap<string, NodeSettlements>
  /** By wallet and node. */
  readonly balances: ReadonlyMap<string, Balance>
  readonly rewards: ReadonlyMap<string, NodeRewards>
  /** Sums of the heartbeats that clients sent, by node. */
  readonly impressions: ReadonlyMap<string, Impressions>
}

/** Compares the newest account of every node with rows, decisions, settlements and ledger. */
export function compareAccounts(
  accounts: ReadonlyMap<string, Account>,
  expected: AccountExpectations,
  problems: Problems,
): void {
  for (const nodeId of expected.totals.keys()) {
    if (!accounts.has(nodeId)) problems.add('account', `node ${nodeId} has events and no account`)
  }
  for (const [nodeId, account] of accounts) {
    const what = `account ${nodeId}: `
    problems.compare('account', `${what}node_id`, nodeId, account.node_id)
    const totals = expected.totals.get(nodeId) ?? noTotals()
    for (const column of TOTAL_COLUMNS) {
      problems.compare('account', what + column, totals[column], account[column])
    }
    compareMoney(what, account, expected, problems)
    compareWallets(what, account, expected.balances, problems)
    compareContact(what, account, expected, problems)
  }
}

/** Pending, unclaimed and settled together are all that was decided. */
function compareMoney(
  what: string,
  account: Account,
  expected: AccountExpectations,
  problems: Problems,
): void {
  const costs = expected.costs.get(account.node_id)
  const settled = expected.settlements.get(account.node_id)
  const sums: readonly (readonly [column: string, expected: bigint | number, found: bigint | number])[] = [
    ['cost_seq', costs?.lastSeq ?? 0, account.cost_seq],
    ['settled_through', settled?.through ?? 0, account.settled_through],
    ['settlements', settled?.settlements ?? 0, account.settlements],
    ['settled_nano_usd', settled?.costNanoUsd ?? 0n, account.settled_nano_usd],
    ['settled_micro_spark', settled?.microSpark ?? 0n, account.settled_micro_spark],
  ]
  for (const [column, wanted, found] of sums) problems.compare('account', what + column, wanted, found)

  const payable = costs?.payable ?? []
  const decided = {
    count: payable.length,
    nanoUsd: payable.reduce((sum, cost) => sum + cost.costNanoUsd, 0n),
    microSpark: payable.reduce((sum, cost) => sum + cost.microSpark, 0n),
  }
  const openCount = account.pending_count + account.unclaimed_count
  const openNanoUsd = account.pending_nano_usd + account.unclaimed_nano_usd
  const openMicroSpark = account.pending_micro_spark + account.unclaimed_micro_spark
  problems.compare(
    'account',
    `${what}costs, open and settled`,
    decided.count,
    openCount + (settled?.costs ?? 0),
  )
  problems.compare(
    'account',
    `${what}nano-USD, open and settled`,
    decided.nanoUsd,
    openNanoUsd + account.settled_nano_usd,
  )
  problems.compare(
    'account',
    `${what}micro-Spark, open and settled`,
    decided.microSpark,
    openMicroSpark + account.settled_micro_spark,
  )
}

function compareWallets(
  what: string,
  account: Account,
  balances: ReadonlyMap<string, Balance>,
  problems: Problems,
): void {
  let earned = 0n
  for (const { operator_id, micro_spark, entries } of account.operators) {
    const balance = balances.get(balanceKey(operator_id, account.node_id))
    const wallet = `${what}wallet ${operator_id}, `
    problems.compare('account', `${wallet}micro_spark`, balance?.microSpark ?? 0n, micro_spark)
    problems.compare('account', `${wallet}entries`, balance?.entries ?? 0, entries)
    earned += micro_spark
  }
  const paid = account.settled_micro_spark + account.reward_micro_spark
  problems.compare('account', `${what}micro_spark of all operators`, paid, earned)
}

/** The result of heartbeats: rewards as the ledger has them, each impression once. */
function compareContact(
  what: string,
  account: Account,
  { rewards, impressions }: AccountExpectations,
  problems: Problems,
): void {
  const rewarded = rewards.get(account.node_id)
  problems.compare('account', `${what}rewards`, rewarded?.count ?? 0, account.rewards)
  problems.compare(
    'account',
    `${what}reward_micro_spark`,
    rewarded?.microSpark ?? 0n,
    account.reward_micro_spark,
  )
  const { least, most } = impressions.get(account.node_id) ?? { least: 0, most: 0 }
  const seen = account.ad_impressions + account.ad_unpaid
  if (seen < least) problems.compare('account', `${what}ad impressions`, least, seen)
  if (seen > most) problems.compare('account', `${what}ad impressions`, most, seen)
}

import type { Account } from '../../../schemas/records.ts'
import { ISSUER_WALLET } from '../../../schemas/tables.ts'
import type { AccountModel } from './model.ts'
import type { Differences } from '../differences.ts'

/** Balances of all wallets from three sides, in micro-Spark, gathered partition by partition. */
export class Wallets {
  /** Accounts worked out from account.inbox; for those that are older than it, the values of node.state. */
  readonly #expected = new Map<string, bigint>()
  readonly #inState = new Map<string, bigint>()
  readonly #inLedger = new Map<string, bigint>()

  addModel(model: AccountModel, isChecked: (nodeId: string) => boolean): void {
    for (const { nodeId, operators } of model.accounts.values()) {
      if (!isChecked(nodeId)) continue
      for (const { operatorId, microSpark } of operators) this.#pay(operatorId, microSpark)
    }
  }

  addState(accounts: ReadonlyMap<string, Account>, isChecked: (nodeId: string) => boolean): void {
    for (const account of accounts.values()) {
      for (const { operator_id, micro_spark } of account.operators) {
        add(this.#inState, operator_id, micro_spark)
        if (!isChecked(account.node_id)) this.#pay(operator_id, micro_spark)
      }
    }
  }

  addEntry(walletId: string, microSpark: bigint): void {
    add(this.#inLedger, walletId, microSpark)
  }

  /** Compares the balances, the issuer's included; returns how many wallets of operators there are. */
  compare(differences: Differences): number {
    const walletIds = new Set<string>()
    for (const side of [this.#expected, this.#inState, this.#inLedger]) {
      for (const walletId of side.keys()) walletIds.add(walletId)
    }
    for (const walletId of walletIds) {
      const expected = this.#expected.get(walletId) ?? 0n
      const key = `wallet ${walletId}`
      const row = { balance_micro_spark: expected }
      const ledger = { balance_micro_spark: this.#inLedger.get(walletId) ?? 0n }
      differences.compareRow('wallet_ledger', key, row, ledger)
      if (walletId === ISSUER_WALLET) continue
      const state = { balance_micro_spark: this.#inState.get(walletId) ?? 0n }
      differences.compareRow('node.state', key, row, state)
    }
    walletIds.delete(ISSUER_WALLET)
    return walletIds.size
  }

  /** Every payment is two entries. */
  #pay(operatorId: string, microSpark: bigint): void {
    add(this.#expected, operatorId, microSpark)
    add(this.#expected, ISSUER_WALLET, -microSpark)
  }
}

function add(balances: Map<string, bigint>, walletId: string, microSpark: bigint): void {
  balances.set(walletId, (balances.get(walletId) ?? 0n) + microSpark)
}

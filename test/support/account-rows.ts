import type { AccountRows, Audit, CostDecision, Reward, Settlement } from '../../pipelines/account/account.ts'
import { RULES_DEFAULT } from '../../pipelines/account/rules.ts'
import type { AccountRules } from '../../pipelines/account/rules.ts'
import type { Account } from '../../schemas/records.ts'

/** Keeps what an account wrote, in order. */
export class KeptRows implements AccountRows {
  readonly decisions: CostDecision[] = []
  readonly settlements: Settlement[] = []
  readonly rewards: Reward[] = []
  readonly audits: Audit[] = []

  decided(_account: Account, decision: CostDecision): void {
    this.decisions.push(decision)
  }

  settled(_account: Account, settlement: Settlement): void {
    this.settlements.push(settlement)
  }

  rewarded(_account: Account, reward: Reward): void {
    this.rewards.push(reward)
  }

  audited(audit: Audit): void {
    this.audits.push(audit)
  }
}

/** Rules under which every node pays for others' calls. */
export function paying(rules: Partial<AccountRules> = {}): AccountRules {
  return {
    ...RULES_DEFAULT,
    version: 1,
    overrides: [{ name: 'allow_metered_for_hive', value: true }],
    ...rules,
  }
}

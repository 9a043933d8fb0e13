import type {
  AccountRows,
  Audit,
  CostDecision,
  Noted,
  Reward,
  Settlement,
} from '../../../pipelines/account/account.ts'
import type { Anomaly } from '../../../schemas/reasons.ts'
import type { Account } from '../../../schemas/records.ts'

/** Keeps what an account wrote, in order. */
export class KeptRows implements AccountRows {
  readonly decisions: CostDecision[] = []
  readonly settlements: Settlement[] = []
  readonly rewards: Reward[] = []
  readonly audits: Audit[] = []
  readonly notes: Noted[] = []
  readonly anomalies: Anomaly[] = []

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

  noted(noted: Noted): void {
    this.notes.push(noted)
  }

  anomaly(kind: Anomaly): void {
    this.anomalies.push(kind)
  }
}

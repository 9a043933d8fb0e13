import { accountCodec, heartbeatsCodec, settlerTaskCodec, STATE_KEY } from '../../../schemas/avro.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { Metrics } from '../../../schemas/metrics.ts'
import type { Account, Heartbeats, SettlerTask } from '../../../schemas/records.ts'
import { SettlerState } from '../../../pipelines/account/pipeline.ts'
import { RULES_DEFAULT } from '../../../pipelines/account/rules.ts'
import type { AccountRules } from '../../../pipelines/account/rules.ts'
import type { DecidePoint } from '../../../pipelines/failpoints.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import type { WrittenAccounts } from '../oracles/account-comparison.ts'
import { TaskLog } from './task-log.ts'
import { VirtualClock } from '../memory/virtual-clock.ts'
import { emptyStoreGate } from '../memory/stored-marks.ts'

export const SETTLER_TOPICS = {
  accountInbox: 'account.inbox',
  nodeState: 'node.state',
  settlementBlocks: 'settlement.blocks',
}

/** A settler's task on logs in memory. */
export class SettlerLog extends TaskLog {
  constructor(
    input: readonly LogRecord[] = [],
    rules: AccountRules = RULES_DEFAULT,
    decidePoint?: DecidePoint,
    metrics: Metrics = noMetrics,
  ) {
    const clock = new VirtualClock()
    super(
      SETTLER_TOPICS.nodeState,
      (loadedSeq) =>
        new SettlerState({
          partition: 0,
          topics: SETTLER_TOPICS,
          rules,
          loadedSeq,
          gate: emptyStoreGate(),
          decidePoint,
          clock,
          metrics,
        }),
      input,
    )
  }

  /** The newest account of each node, from node.state. */
  accounts(): Map<string, Account> {
    const accounts = new Map<string, Account>()
    for (const { topic, key, value } of this.committed) {
      if (topic !== SETTLER_TOPICS.nodeState || key === null || key.startsWith('!') || value === null)
        continue
      accounts.set(key, accountCodec.decode(value))
    }
    return accounts
  }

  /** What is compared with verify's model. */
  written(): WrittenAccounts {
    return {
      rows: (table) => this.rows(table),
      accounts: this.accounts(),
      heartbeats: heartbeatsIn(this.committed),
    }
  }

  task(): SettlerTask | undefined {
    const value = this.values(SETTLER_TOPICS.nodeState, STATE_KEY.task).at(-1)
    return value && settlerTaskCodec.decode(value)
  }
}

/** The newest heartbeats of each node, from records of node.state. */
export function heartbeatsIn(
  records: Iterable<{ readonly key: string | null; readonly value: Buffer | null }>,
): Map<string, Heartbeats> {
  const heartbeats = new Map<string, Heartbeats>()
  for (const { key, value } of records) {
    if (key === null || !key.startsWith(STATE_KEY.heartbeats)) continue
    const nodeId = key.slice(STATE_KEY.heartbeats.length)
    if (value === null) heartbeats.delete(nodeId)
    else heartbeats.set(nodeId, heartbeatsCodec.decode(value))
  }
  return heartbeats
}

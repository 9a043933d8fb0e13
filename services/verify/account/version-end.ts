import { inboxConfigureCodec } from '../../../schemas/avro.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import type { Account, EndedVersion, Heartbeats, Outcome, SettlerTask } from '../../../schemas/records.ts'
import type { Carried } from './carried.ts'
import type { NodeState } from './node-state.ts'

/** What a version of the topics leaves for the accounts of the next one, gathered while it is compared. */
export class AccountEnd {
  readonly #ended: EndedVersion | null
  readonly #tasks: SettlerTask[] = []
  readonly #accounts = new Map<string, Account>()
  readonly #outcomes = new Map<string, Outcome>()
  readonly #heartbeats = new Map<string, Heartbeats>()

  constructor(ended: EndedVersion | null) {
    this.#ended = ended
  }

  /** A partition was compared. Nothing is kept of the version in force: no other version begins where it ends. */
  add(task: SettlerTask, state: Omit<NodeState, 'task'>): void {
    if (this.#ended === null) return
    this.#tasks.push(task)
    for (const [nodeId, account] of state.accounts) this.#accounts.set(nodeId, account)
    for (const [key, outcome] of state.outcomes) this.#outcomes.set(key, outcome)
    for (const [nodeId, taken] of state.heartbeats) this.#heartbeats.set(nodeId, taken)
  }

  /**
   * What each partition of the following version, with this number of partitions, began with; null where nothing is known
   * of this version's accounts.
   */
  begin(partitions: number): ReadonlyMap<number, Carried> | null {
    if (this.#ended === null || this.#tasks.length === 0) return null
    const shared = {
      rules: newestRules(this.#tasks),
      nowMs: this.#ended.accounts_now,
      watermarkMs: Math.max(...this.#tasks.map(({ watermark }) => watermark)),
    }
    const carried = new Map(
      Array.from({ length: partitions }, (_, partition) => [
        partition,
        {
          ...shared,
          accounts: new Map<string, Account>(),
          outcomes: new Map<string, Outcome>(),
          heartbeats: this.#heartbeats,
        },
      ]),
    )
    for (const [nodeId, account] of this.#accounts) {
      carried.get(partitionOfNode(nodeId, partitions))?.accounts.set(nodeId, account)
    }
    for (const [key, outcome] of this.#outcomes) {
      const nodeId = key.slice(0, key.lastIndexOf('/'))
      carried.get(partitionOfNode(nodeId, partitions))?.outcomes.set(key, outcome)
    }
    return carried
  }
}

function newestRules(tasks: readonly SettlerTask[]): Buffer | null {
  let newest: { readonly version: number; readonly rules: Buffer } | null = null
  for (const { rules } of tasks) {
    if (rules === null) continue
    const { version } = inboxConfigureCodec.decode(rules)
    if (newest === null || version > newest.version) newest = { version, rules }
  }
  return newest?.rules ?? null
}

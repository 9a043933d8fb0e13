import { inboxConfigureCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import type { Account, EndedVersion, Heartbeats, Outcome, SettlerTask } from '../../schemas/records.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { Model } from '../../schemas/usage.ts'
import type { Carried } from './account/carried.ts'
import type { UsageBegin } from './compare-usage.ts'
import type { Horizon } from './horizon.ts'

/** With what the partitions of a version began. */
export interface VersionBegin {
  readonly usage: UsageBegin
  readonly accounts: ReadonlyMap<number, Carried>
}

/** What a version of the topics leaves behind for the next one, gathered while it is compared. */
export class VersionEnd {
  readonly #ended: EndedVersion | null
  readonly #blocksTopics: readonly string[]
  readonly #contents: Map<string, string>
  readonly #tasks: SettlerTask[] = []
  readonly #accounts = new Map<string, Account>()
  readonly #outcomes = new Map<string, Outcome>()
  readonly #heartbeats = new Map<string, Heartbeats>()
  #models: readonly Model[] = []
  #modelsVersion = 0

  constructor(
    before: VersionEnd | null,
    topics: Readonly<Record<TopicRole, string>>,
    ended: EndedVersion | null,
  ) {
    this.#ended = ended
    this.#blocksTopics = [...(before === null ? [] : before.#blocksTopics), topics.usageBlocks]
    this.#contents = new Map(before === null ? [] : before.#contents)
    if (before === null) return
    this.#models = before.#models
    this.#modelsVersion = before.#modelsVersion
  }

  /** A partition was compared. Of the version in force nothing is kept: no other begins where it stands. */
  add(horizon: Horizon, contents: ReadonlyMap<string, string>, isInForce: boolean): void {
    if (isInForce) return
    for (const [identity, content] of contents) this.#contents.set(identity, content)
    this.#tasks.push(horizon.accounts)
    for (const [nodeId, account] of horizon.state.accounts) this.#accounts.set(nodeId, account)
    for (const [key, outcome] of horizon.state.outcomes) this.#outcomes.set(key, outcome)
    for (const [nodeId, taken] of horizon.state.heartbeats) this.#heartbeats.set(nodeId, taken)
    if (horizon.usage.models_version > this.#modelsVersion) {
      this.#modelsVersion = horizon.usage.models_version
      this.#models = horizon.usage.models
    }
  }

  /** What the partitions of a version that follows began with; null where nothing is known of this one's accounts. */
  beginOf(partitions: number): VersionBegin | null {
    if (this.#ended === null || this.#tasks.length === 0) return null
    const shared = {
      rules: newestRules(this.#tasks),
      nowMs: this.#ended.accounts_now,
      watermarkMs: Math.max(...this.#tasks.map(({ watermark }) => watermark)),
    }
    const accounts = new Map(
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
      accounts.get(partitionOfNode(nodeId, partitions))?.accounts.set(nodeId, account)
    }
    for (const [key, outcome] of this.#outcomes) {
      const nodeId = key.slice(0, key.lastIndexOf('/'))
      accounts.get(partitionOfNode(nodeId, partitions))?.outcomes.set(key, outcome)
    }
    return {
      usage: {
        models: this.#models,
        modelsVersion: this.#modelsVersion,
        watermarkMs: this.#ended.usage_watermark,
        contents: this.#contents,
        blocksTopics: this.#blocksTopics,
      },
      accounts,
    }
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

import type { AggregatorTask, EndedVersion } from '../../../schemas/records.ts'
import type { Model } from '../../../schemas/usage.ts'

/** What the versions of the topics before one left for its usage. */
export interface UsageBegin {
  readonly models: readonly Model[]
  readonly modelsVersion: number
  readonly watermarkMs: number
  /**
   * Contents that they accepted, by identity; for those that their logs no longer hold, the raw rows of these topics are
   * read.
   */
  readonly contents: ReadonlyMap<string, string>
  readonly blocksTopics: readonly string[]
}

/** What a version of the topics leaves for the usage of the next one, gathered while it is compared. */
export class UsageEnd {
  readonly #ended: EndedVersion | null
  readonly #blocksTopics: readonly string[]
  readonly #contents: Map<string, string>
  #models: readonly Model[] = []
  #modelsVersion = 0
  #isCompared = false

  constructor(before: UsageEnd | null, blocksTopic: string, ended: EndedVersion | null) {
    this.#ended = ended
    this.#blocksTopics = [...(before === null ? [] : before.#blocksTopics), blocksTopic]
    this.#contents = new Map(before === null ? [] : before.#contents)
    if (before === null) return
    this.#models = before.#models
    this.#modelsVersion = before.#modelsVersion
  }

  /** A partition was compared. Nothing is kept of the version in force: no other version begins where it ends. */
  add(task: AggregatorTask, contents: ReadonlyMap<string, string>): void {
    if (this.#ended === null) return
    this.#isCompared = true
    for (const [identity, content] of contents) this.#contents.set(identity, content)
    if (task.models_version > this.#modelsVersion) {
      this.#modelsVersion = task.models_version
      this.#models = task.models
    }
  }

  /** What the partitions of the following version began with; null where nothing of this version was compared. */
  begin(): UsageBegin | null {
    if (this.#ended === null || !this.#isCompared) return null
    return {
      models: this.#models,
      modelsVersion: this.#modelsVersion,
      watermarkMs: this.#ended.usage_watermark,
      contents: this.#contents,
      blocksTopics: this.#blocksTopics,
    }
  }
}

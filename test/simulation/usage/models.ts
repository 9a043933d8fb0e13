import type { ModelTables } from '../../../pipelines/usage/model-tables.ts'
import { COMPILED_TABLE, ModelTable } from '../../../schemas/model-table.ts'
import type { Timeline } from '../world/timeline.ts'

/** A version, and the time from which the slower processes know it. */
interface Published {
  readonly table: ModelTable
  readonly knownAtMs: number
}

/** The versions of the table of models in a simulated installation; half of the processes learn of each a while later. */
export class SimModels {
  readonly #timeline: Timeline
  readonly #published: Published[] = []

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  /** Puts the next version in force, with other facts about the models that the simulated events name. */
  publish(behindMs: number): void {
    const version = COMPILED_TABLE.version + 1 + this.#published.length
    const table = new ModelTable(version, [
      { pattern: 'gro*', paid_api: version % 2 === 1, tdp_watts: 100 * version },
      { pattern: version % 3 === 0 ? 'whisper-stt' : 'openai/whisper-stt', paid_api: true, tdp_watts: 40 },
    ])
    this.#published.push({ table, knownAtMs: this.#timeline.nowMs + behindMs })
  }

  /** The table of a version; undefined for a version that was never in force. */
  version(number: number): ModelTable | undefined {
    return [COMPILED_TABLE, ...this.#published.map(({ table }) => table)].find(
      ({ version }) => version === number,
    )
  }

  /** The versions as one process learns them. */
  follow(isBehind: boolean): ModelTables {
    return {
      newestFor: (_partition, version) => {
        const { nowMs } = this.#timeline
        const known = this.#published.findLast(({ knownAtMs }) => !isBehind || knownAtMs <= nowMs)
        const table = known?.table ?? COMPILED_TABLE
        return table.version >= version ? table : null
      },
    }
  }
}

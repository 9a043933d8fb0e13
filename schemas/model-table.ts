import { normalModelName } from './model-name.ts'
import { COMPILED_ROWS, MODELS_VERSION, UNLISTED } from './models.ts'
import type { ModelFacts, ModelRow } from './models.ts'

/** One version of the table of models, prepared for look-ups. It never changes. */
export class ModelTable {
  readonly version: number
  readonly rows: readonly ModelRow[]
  readonly #names = new Map<string, ModelFacts>()
  readonly #beginnings = new Map<string, ModelFacts>()
  /** Lengths of the beginnings, longest first. */
  readonly #lengths: readonly number[]

  constructor(version: number, rows: readonly ModelRow[]) {
    this.version = version
    this.rows = rows
    for (const { pattern, paid_api, tdp_watts } of rows) {
      const facts = { paid_api, tdp_watts }
      if (pattern.endsWith('*')) this.#beginnings.set(pattern.slice(0, -1), facts)
      else this.#names.set(pattern, facts)
    }
    const lengths = new Set([...this.#beginnings.keys()].map(({ length }) => length))
    this.#lengths = [...lengths].sort((left, right) => right - left)
  }

  /**
   * What applies to a model: the row of its exact name; otherwise the row with the longest matching beginning; otherwise
   * both again with its normal form; otherwise what applies to unlisted models. Version 1 still knows exact names only: the
   * result for a row must follow from the version that the row names.
   */
  factsOf(name: string): ModelFacts {
    const found = this.#find(name)
    if (found !== undefined || this.version === MODELS_VERSION) return found ?? UNLISTED
    const normal = normalModelName(name)
    return (normal === name ? undefined : this.#find(normal)) ?? UNLISTED
  }

  #find(name: string): ModelFacts | undefined {
    const exact = this.#names.get(name)
    if (exact !== undefined) return exact
    for (const length of this.#lengths) {
      if (length > name.length) continue
      const facts = this.#beginnings.get(name.slice(0, length))
      if (facts !== undefined) return facts
    }
    return undefined
  }
}

/** The table of an installation whose log has none. */
export const COMPILED_TABLE = new ModelTable(MODELS_VERSION, COMPILED_ROWS)

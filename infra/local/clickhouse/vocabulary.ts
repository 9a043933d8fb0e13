import { FUNCTION_CATEGORIES, OTHER_FUNCTIONS } from './allowed.ts'

/** One function as `system.functions` names it. */
export interface FunctionRow {
  readonly name: string
  readonly alias_to: string
  readonly categories: string
}

/** The names of the engine's functions, and which of them a statement from outside may call. */
export class Vocabulary {
  readonly #functions: ReadonlySet<string>
  readonly #allowed: ReadonlySet<string>
  readonly #tableFunctions: ReadonlySet<string>
  readonly #combinators: readonly string[]

  constructor(parts: {
    readonly functions: readonly FunctionRow[]
    readonly tableFunctions: readonly string[]
    /** Suffixes of aggregate functions: `sumIf` is `sum` with If. */
    readonly combinators: readonly string[]
  }) {
    const categoryOf = new Map(parts.functions.map((row) => [row.name, row.categories]))
    const isAllowed = ({ name, alias_to: original }: FunctionRow): boolean =>
      FUNCTION_CATEGORIES.has(categoryOf.get(original || name) ?? '') ||
      OTHER_FUNCTIONS.has((original || name).toLowerCase())
    const lower = (rows: readonly FunctionRow[]) => rows.map(({ name }) => name.toLowerCase())
    this.#functions = new Set(lower(parts.functions))
    this.#allowed = new Set([...OTHER_FUNCTIONS, ...lower(parts.functions.filter(isAllowed))])
    this.#tableFunctions = new Set(parts.tableFunctions.map((name) => name.toLowerCase()))
    this.#combinators = parts.combinators
  }

  /** Whether a statement may call it. */
  mayCall(name: string): boolean {
    if (this.#allowed.has(name.toLowerCase())) return true
    const suffix = this.#combinators.find((end) => name.length > end.length && name.endsWith(end))
    return suffix !== undefined && this.mayCall(name.slice(0, -suffix.length))
  }

  /** Whether the engine has such a function that no statement may call. */
  isForbidden(name: string): boolean {
    return this.#functions.has(name.toLowerCase()) && !this.mayCall(name)
  }

  /** Whether the engine has a table function of this name. */
  isTableFunction(name: string): boolean {
    return this.#tableFunctions.has(name.toLowerCase())
  }
}

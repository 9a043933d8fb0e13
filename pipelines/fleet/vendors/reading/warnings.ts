/** What was odd in a machine's answers. The list is closed: rules and views know each kind. */
export const WARNING_KINDS = [
  'json_repaired',
  'nul_stripped',
  'answer_unusable',
  'not_finite_dropped',
  'sentinel_dropped',
  'negative_dropped',
  'unavailable_dropped',
  'text_number_trimmed',
  'unit_from_model',
  'sensor_error_ignored',
  'devfee_pool_dropped',
  'igpu_dropped',
  'gpu_missing',
  'power_partial',
  'device_clock_unset',
  'gap',
  'meter_reset',
  'counter_decreased',
  'future',
  'shadow',
  // A number of 2^53 and more: no double holds it exactly.
  'out_of_range',
] as const

export type WarningKind = (typeof WARNING_KINDS)[number]

/** Details kept of one kind: an answer can hold thousands of different wrong numbers. */
export const DETAILS_PER_KIND_MAX = 16

/**
 * Collects the warnings of one poll. A detail is a word of the adapter or a number, never a text of the answer: warnings
 * are shown and logged.
 */
export class Warnings {
  readonly #details = new Map<WarningKind, Set<string>>()
  readonly #counts = new Map<WarningKind, number>()

  /** Warns of a kind once for each detail. */
  note(kind: WarningKind, detail = ''): void {
    const details = this.#details.get(kind) ?? new Set()
    if (details.size < DETAILS_PER_KIND_MAX) details.add(detail)
    this.#details.set(kind, details)
  }

  /** Warns of a kind, with how often it was counted as its detail. */
  count(kind: WarningKind): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }

  /** `kind` or `kind:detail`, in the order of the texts. */
  list(): string[] {
    const noted = [...this.#details].flatMap(([kind, details]) =>
      [...details].map((detail) => (detail === '' ? kind : `${kind}:${detail}`)),
    )
    const counted = [...this.#counts].map(([kind, count]) => `${kind}:${count}`)
    return [...noted, ...counted].sort()
  }
}

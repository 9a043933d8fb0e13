import { ENERGY_SOURCES, TASK_SOURCES } from '../../../../schemas/usage.ts'
import { differingFields, EXECUTIONS, identityOf } from '../work.ts'
import type { Work } from '../work.ts'

export const OUTCOMES = ['accepted', 'refused', 'unknown'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** One attempt to send one event, as the client knows it. */
export interface Attempt {
  readonly nodeId: string
  /** 32 hex digits. */
  readonly id: string
  readonly work: Work
  readonly outcome: Outcome
  /** Deliberately another content under an id that was sent before. */
  readonly isConflict: boolean
}

/** What may be counted under one identity: any of these contents, at most once; exactly once where `mustAppear`. */
export interface Sent {
  readonly work: Work
  /** Contents of deliberate conflicts. */
  others: Work[] | null
  hasConflict: boolean
  mustAppear: boolean
}

/** Thrown for a history that contradicts itself or cannot be read: then nothing can be known about the run. */
export class HistoryError extends Error {}

/**
 * The clients' history as an expectation. An identity with one accepted attempt must appear exactly once, with only
 * unknown ones at most once, with only refused ones never.
 */
export class History {
  readonly sent = new Map<string, Sent>()
  readonly #refused = new Set<string>()
  /** A million lines have only a few nodes, operators and models. */
  readonly #texts = new Map<string, string>()

  /** Throws a HistoryError for two contents of one identity that are not marked as a conflict. */
  add(attempt: Attempt): void {
    const identity = identityOf(attempt.nodeId, attempt.id)
    if (attempt.outcome === 'refused') {
      this.#refused.add(identity)
      return
    }
    const mustAppear = attempt.outcome === 'accepted'
    const { isConflict } = attempt
    const known = this.sent.get(identity)
    if (known === undefined) {
      this.sent.set(identity, {
        work: this.#shared(attempt.work),
        others: null,
        hasConflict: isConflict,
        mustAppear,
      })
      return
    }
    known.mustAppear ||= mustAppear
    known.hasConflict ||= isConflict
    const isNew = allowedOf(known).every((work) => differingFields(work, attempt.work).length > 0)
    if (!isNew) return
    if (!known.hasConflict)
      throw new HistoryError(`event ${identity} was sent with two contents and no conflict`)
    ;(known.others ??= []).push(this.#shared(attempt.work))
  }

  /** Every attempt of an identity was refused. */
  isRefused(identity: string): boolean {
    return this.#refused.has(identity)
  }

  /** The number of identities by what is known about them. */
  counts(): { readonly accepted: number; readonly unknown: number; readonly refused: number } {
    let accepted = 0
    for (const { mustAppear } of this.sent.values()) if (mustAppear) accepted += 1
    let refused = 0
    for (const identity of this.#refused) if (!this.sent.has(identity)) refused += 1
    return { accepted, unknown: this.sent.size - accepted, refused }
  }

  #shared(work: Work): Work {
    return {
      ...work,
      operatorId: work.operatorId === null ? null : this.#text(work.operatorId),
      modelId: this.#text(work.modelId),
      taskSource: TASK_SOURCES.find((source) => source === work.taskSource) ?? work.taskSource,
      energySource: ENERGY_SOURCES.find((source) => source === work.energySource) ?? work.energySource,
      execution: EXECUTIONS.find((one) => one === work.execution) ?? null,
    }
  }

  #text(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    this.#texts.set(text, text)
    return text
  }
}

/** The contents that may be counted under an identity. */
export function allowedOf(sent: Sent): readonly Work[] {
  return sent.others === null ? [sent.work] : [sent.work, ...sent.others]
}

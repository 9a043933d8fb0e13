import {
  AUDIT_COUNT_MAX,
  OTHERS,
  REASON_CHARACTERS_MAX,
  SUBJECT_CHARACTERS_MAX,
  shownText,
} from '../../schemas/audit.ts'
import type { SeenKind } from '../../schemas/audit.ts'
import type { InboxAudit } from '../../schemas/records.ts'

/** Credentials and addresses that a process counts apart within a minute, for each kind; the rest is one row "others". */
export const AUDIT_ENTRIES_MAX = 500

/** A request was refused. Never holds a secret: of what a client sent it holds names only. */
export interface Refusal {
  readonly kind: Extract<SeenKind, 'credential_refused' | 'foreign_node'>
  /** The credential where it is known, else the address. */
  readonly subject: string
  readonly address: string
  readonly nodeId: string
  readonly reason: string
}

export type CollectedRefusal = Omit<InboxAudit, 'entry_id'>

/**
 * The refusals of a minute: one entry for each kind and subject, with the details of the first one and the number of all.
 */
export class Refusals {
  readonly #entries = new Map<string, CollectedRefusal>()

  get size(): number {
    return this.#entries.size
  }

  /** `roomTaken`: entries that are kept elsewhere and count as well. */
  add(refusal: Refusal, times: number, roomTaken: number): void {
    const { kind } = refusal
    const subject = shownText(refusal.subject, SUBJECT_CHARACTERS_MAX)
    if (this.#grows(kind, subject, times)) return
    if (this.#entries.size + roomTaken < AUDIT_ENTRIES_MAX) {
      this.#begin({ ...refusal, subject }, times)
    } else if (!this.#grows(kind, OTHERS, times)) {
      this.#begin({ kind, subject: OTHERS, address: '', nodeId: '', reason: '' }, times)
    }
  }

  /** Returns the entries and begins anew. */
  take(): CollectedRefusal[] {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    return entries
  }

  #grows(kind: string, subject: string, times: number): boolean {
    const known = this.#entries.get(placeOf(kind, subject))
    if (known === undefined) return false
    known.count = Math.min(AUDIT_COUNT_MAX, known.count + times)
    return true
  }

  #begin({ kind, subject, address, nodeId, reason }: Refusal, times: number): void {
    this.#entries.set(placeOf(kind, subject), {
      kind,
      subject,
      node_id: nodeId,
      address: shownText(address, REASON_CHARACTERS_MAX),
      before: '',
      after: '',
      count: Math.min(AUDIT_COUNT_MAX, times),
      reason: shownText(reason, REASON_CHARACTERS_MAX),
    })
  }
}

function placeOf(kind: string, subject: string): string {
  return `${kind} ${subject}`
}

/**
 * What the audit tells beside the commands of `audit_log`. Servers and commands see some of it and write it to account.inbox;
 * the settler makes the rest where it decides it.
 */

/** Seen by gateway, reader and the keys command. */
export const SEEN_KINDS = ['key_made', 'key_revoked', 'credential_refused', 'foreign_node'] as const
export type SeenKind = (typeof SEEN_KINDS)[number]

/** Decided by the settler. */
const DECIDED_KINDS = ['tier_changed', 'operator_named'] as const
export type DecidedKind = (typeof DECIDED_KINDS)[number]

export const AUDIT_KINDS = [...SEEN_KINDS, ...DECIDED_KINDS] as const
export type AuditKind = (typeof AUDIT_KINDS)[number]

/** Who is meant where a minute had more credentials and addresses than are told apart. */
export const OTHERS = 'others'

/** Longest name of a credential or address that the audit keeps; of a longer one the beginning. */
export const SUBJECT_CHARACTERS_MAX = 200

/** Longest text of what there was before and after. */
export const AUDIT_TEXT_CHARACTERS_MAX = 1_000

/** Longest reason, and longest address. */
export const REASON_CHARACTERS_MAX = 100

/** Times that one row can stand for. */
export const AUDIT_COUNT_MAX = 1_000_000_000_000

const UNSHOWN = /[\p{Cc}\p{Cs}\p{Cn}]/gu

/** Whether a text can stand in the audit: people read it, so it has no control, surrogate or unassigned character. */
export function isShownText(text: string, charactersMax: number): boolean {
  return text.length <= charactersMax && text.search(UNSHOWN) < 0
}

/** A text that can: of a longer one the beginning, with a "?" for each character that cannot. */
export function shownText(text: string, charactersMax: number): string {
  return text.slice(0, charactersMax).replaceAll(UNSHOWN, '?')
}

/**
 * What the audit reports besides the commands of `audit_log`. Servers and commands observe some of it and write it to
 * account.inbox; the settler makes the other rows where it decides.
 */

/** Observed by gateway, reader and the keys command. */
export const SEEN_KINDS = ['key_made', 'key_revoked', 'credential_refused', 'foreign_node'] as const
export type SeenKind = (typeof SEEN_KINDS)[number]

/** Decided by the settler. */
const DECIDED_KINDS = ['tier_changed', 'operator_named'] as const
export type DecidedKind = (typeof DECIDED_KINDS)[number]

export const AUDIT_KINDS = [...SEEN_KINDS, ...DECIDED_KINDS] as const
export type AuditKind = (typeof AUDIT_KINDS)[number]

/** The subject of entries beyond the credentials and addresses that are told apart in a minute. */
export const OTHERS = 'others'

/** Longest name of a credential or address that the audit keeps; of a longer one it keeps the beginning. */
export const SUBJECT_CHARACTERS_MAX = 200

/** Longest text for the state before or after a change. */
export const AUDIT_TEXT_CHARACTERS_MAX = 1_000

/** Longest reason, and longest address. */
export const REASON_CHARACTERS_MAX = 100

/** Most times for which one row can stand. */
export const AUDIT_COUNT_MAX = 1_000_000_000_000

const UNSHOWN = /[\p{Cc}\p{Cs}\p{Cn}]/gu

/**
 * Whether a text can be shown in the audit: people read it, so it may have no control, surrogate or unassigned
 * character.
 */
export function isShownText(text: string, charactersMax: number): boolean {
  return text.length <= charactersMax && text.search(UNSHOWN) < 0
}

/** A text that can be shown: the beginning of a longer one, with a "?" for each character that cannot be shown. */
export function shownText(text: string, charactersMax: number): string {
  return text.slice(0, charactersMax).replaceAll(UNSHOWN, '?')
}

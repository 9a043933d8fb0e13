import { KIB, SECOND_MS } from '../../../schemas/units.ts'

/**
 * What came of one request to a machine. The texts of answers stand here and in the adapters' input alone: they enter no log, no
 * error and no item.
 *
 *   answer       what it said, whole or cut: the adapter judges
 *   timeout      nothing, or not the whole of it, within the time; also where no way leads to it
 *   refused      it is there and takes no connection on this port
 *   auth_failed  it wants a login, and took none that the file gives
 *   unreadable   it answered, and not with what was asked: too long, no such frame, a status of HTTP
 */
export type ReadOutcome =
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'timeout' | 'refused' | 'auth_failed' | 'unreadable' }

/** Bytes of one answer of a machine; a longer one is not read further. */
export const ANSWER_BYTES_MAX = 256 * KIB

/** One request, from the connection to the end of its answer. */
export const REQUEST_TIMEOUT_MS = 5 * SECOND_MS

const REFUSED: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'EPIPE'])
const CLOSED: ReadonlySet<unknown> = new Set(['ECONNRESET'])

/** What an error of a connection means: that nobody takes it, that it was closed, or that no way leads there. */
export function meaningOf(error: unknown): 'refused' | 'closed' | 'timeout' {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (REFUSED.has(code)) return 'refused'
  return CLOSED.has(code) ? 'closed' : 'timeout'
}

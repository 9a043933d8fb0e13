/**
 * What may be wrong with a machine's answers, on demand:
 *
 *   none         nothing
 *   silent       takes connections and says nothing
 *   refused      takes no connection
 *   cut          ends in the middle of an answer
 *   slow         a byte at a time, too slow to be waited for
 *   wrong_login  takes no login
 */
export const FAULTS = ['none', 'silent', 'refused', 'cut', 'slow', 'wrong_login'] as const
export type Fault = (typeof FAULTS)[number]

/** What a process may ask of broker and store. */
export type RequestKind =
  | 'append'
  | 'fetch'
  | 'group'
  | 'offsets'
  | 'init'
  | 'produce'
  | 'end'
  | 'log'
  | 'delete'
  | 'insert'
  | 'look'

/**
 * How a request ends:
 * `answered` · `refused` no connection, nothing done · `lost` not done, no answer · `unanswered` done, no answer ·
 * `late` no answer, done `holdMs` afterwards · `partly` the first of its partitions only, no answer (sends) ·
 * `phantom` killed between the token's log and the part (INSERTs).
 */
export type FateEnd = 'answered' | 'refused' | 'lost' | 'unanswered' | 'late' | 'partly' | 'phantom'

export interface Fate {
  readonly end: FateEnd
  readonly sendMs: number
  readonly replyMs: number
  readonly holdMs: number
  /** A request without answer: true where the connection is cut soon, false where nobody says a word until the timeout. */
  readonly isCut: boolean
}

/** What a process may ask of broker and store. */
export type RequestKind =
  | 'append'
  | 'fetch'
  | 'group'
  | 'offsets'
  | 'leaders'
  | 'init'
  | 'add'
  | 'produce'
  | 'end'
  | 'log'
  | 'delete'
  | 'insert'
  | 'look'

/**
 * How a request ends:
 * `answered` · `refused` no connection, nothing done · `lost` not done, no answer · `unanswered` done, no answer ·
 * `late` no answer, done `holdMs` afterwards · `phantom` killed between the token's log and the part (INSERTs).
 * Of sends alone: `partly` the first of its partitions only, no answer · `left-out` the answer leaves one partition out,
 * whose batch is done or not · `retriable` done but for one partition, whose answer says so · `doubtful` done, one partition's answer says "not now".
 */
export type FateEnd =
  | 'answered'
  | 'refused'
  | 'lost'
  | 'unanswered'
  | 'late'
  | 'partly'
  | 'left-out'
  | 'retriable'
  | 'doubtful'
  | 'phantom'

export interface Fate {
  readonly end: FateEnd
  readonly sendMs: number
  readonly replyMs: number
  readonly holdMs: number
  /** A request without answer: true where the connection is cut soon, false where nobody says a word until the timeout. */
  readonly isCut: boolean
}

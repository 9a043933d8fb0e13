/** Requests of a process to broker and store. */
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
 * How a request ends: `answered` · `refused` no connection, nothing done · `lost` not done, no answer · `unanswered`
 * done, no answer · `late` no answer, done `holdMs` afterwards · `phantom` killed between the token's log and the part
 * (INSERTs). For sends alone: `partly` only the first of its partitions is done, no answer · `left-out` the answer leaves
 * one partition out, whose batch is done or not · `retriable` done except for one partition, whose answer reports a
 * retriable error · `doubtful` done, but the answer of one partition says "not now".
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
  /** A request without answer: true where the connection is cut soon, false where it stays silent until the timeout. */
  readonly isCut: boolean
}

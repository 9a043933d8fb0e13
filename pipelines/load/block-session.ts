import type { LogRange } from '../log/records.ts'

/** What happens with a partition after a loader has taken records. */
export type BlockOutcome =
  /** All records were taken; those from `openFrom` on wait for the end of their group. Null: none of them waits. */
  | { readonly next: 'continue'; readonly openFrom: bigint | null }
  /** Gathering starts again at `offset` after `restMs`: nothing of what was gathered is known to be loaded. */
  | { readonly next: 'again'; readonly offset: bigint; readonly restMs: number }
  /**
   * A heartbeat failed: the group rebalances, or its coordinator did not answer. The consumer must see the error. Where it
   * does not join again it must deliver from `offset`, since what was gathered is dropped.
   */
  | { readonly next: 'broken'; readonly offset: bigint; readonly error: unknown }

/** What a handler may do while it works. */
export interface BlockSession {
  /** Keeps the membership alive. Throws when the group rebalances or does not answer; the handler then ends as `broken`. */
  heartbeat(): Promise<void>
  /** Age of the last heartbeat that the group's coordinator answered. */
  heartbeatAgeMs(): number
  /** Has `offset` committed as the next to read. A commit that fails does no harm, since loading looks first. */
  commit(offset: bigint): void
  /** The offsets that the partition holds now. */
  logRange(): Promise<LogRange>
  /** Offset of the first record whose log time is `timeMs` or later; the log's end where there is none. */
  offsetAt(timeMs: number): Promise<bigint>
  /** True: the process ends. A fetch may hold more groups than a stop can wait for; the next loader continues from there. */
  isEnding(): boolean
}

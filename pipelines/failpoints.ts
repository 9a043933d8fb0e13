/**
 * The named points of a commit and of an INSERT. The fault runs let a process die or freeze there; in production
 * nothing happens at any of them.
 *
 *   a task:    after_fence · after_send · during_commit · after_commit
 *   a loader:  after_look · before_insert · during_insert · after_insert · before_offset_commit
 */
export const FAILPOINTS = [
  /** The fence is committed, and nothing is restored yet. */
  'after_fence',
  /** The broker has all records of a transaction, but no commit. */
  'after_send',
  /** The commit was sent, and its answer is not awaited yet. */
  'during_commit',
  /** The transaction is committed, but memory does not reflect that yet. */
  'after_commit',
  /** The loader has looked, and found that an INSERT is due. */
  'after_look',
  /** The heartbeat was recent enough, and the INSERT is not sent yet. */
  'before_insert',
  /** The INSERT is on its way. */
  'during_insert',
  /** ClickHouse has acknowledged the INSERT. */
  'after_insert',
  /** All of a group is loaded, but its offset is not committed. */
  'before_offset_commit',
] as const

export type FailpointName = (typeof FAILPOINTS)[number]

/** Called at each point. The work waits until the returned promise resolves. */
export type Failpoint = (name: FailpointName) => Promise<void>

/** The failpoint of production: nothing happens at any point. */
export const noFailpoint: Failpoint = () => Promise.resolve()

/**
 * Called with the name of an event, a command or a heartbeat before it is decided. What it throws is an error of the
 * decision, as a defect of the rules would be. Event: `node/32 hex digits`; command: `node/command id`; heartbeat: `node/16
 * hex digits`. The simulation and the fault runs let it throw; in production there is none.
 */
export type DecidePoint = (name: string) => void

/** A worker that is not commissioned then: its time is in no sum. */
export const NOT_COMMISSIONED = -1

/** What the inventory says, by the versions that are known at this place in the log. */
export interface Placement {
  /**
   * The number, below 2^21, of the worker's group (algorithm, location, container) at a time, or `NOT_COMMISSIONED`.
   * `worker` is its place in the page. The answer changes on edges of cells only.
   */
  groupAt(worker: number, atMs: number): number
  /**
   * Whether the worker's node has said, as is known at this place in the log, that it holds nothing of a slot back any
   * more: what settles then without anything was never heard. `nowMs` is log time.
   */
  isComplete(worker: number, slot: number, nowMs: number): boolean
}

import type { Fleet } from './fleet.ts'

export interface WorkParts {
  readonly fleet: Fleet
  /** The folder for what clients know, which the checker reads. */
  readonly dir: string
  readonly seed: number
  readonly say: (line: string) => void
}

/** What a pipeline adds to a fault run: what its clients do while faults strike, and how the result is checked. */
export interface Workload {
  /** Its clients begin at once. */
  readonly start: (parts: WorkParts) => RunningWork
}

export interface RunningWork {
  /**
   * Sends something through every partition, and waits until all of it can be read at the other end. Rejects where that
   * takes longer than a recovery may.
   */
  recover(): Promise<void>
  /** Ends the load: records that were not taken are sent again. Resolves when all that was taken is decided and loaded. */
  finish(): Promise<void>
  /** Sends nothing more: the fleet is torn down. */
  abort(): void
  /** Releases what the clients hold. */
  stop(): Promise<void>
  /** What is wrong, in words, once all services have ended. */
  judge(): Promise<readonly string[]>
}

import type { Fleet } from './fleet.ts'

export interface WorkParts {
  readonly fleet: Fleet
  /** What clients know goes here, for who judges. */
  readonly dir: string
  readonly seed: number
  readonly say: (line: string) => void
}

/** What a pipeline brings to a fault run: what its clients do while faults strike, and what must have come of it. */
export interface Workload {
  /** Its clients begin at once. */
  readonly start: (parts: WorkParts) => RunningWork
}

export interface RunningWork {
  /**
   * Sends something through every partition, and waits until all of it has come out where it is read. Rejects where that
   * takes longer than a recovery may.
   */
  recover(): Promise<void>
  /** Ends the load: what was not taken is sent again. Resolves when all that was taken is decided and loaded. */
  finish(): Promise<void>
  /** Sends nothing more: the fleet is torn down. */
  abort(): void
  /** Lets go of what the clients hold. */
  stop(): Promise<void>
  /** What is wrong, in words, once all services have ended. */
  judge(): Promise<readonly string[]>
}

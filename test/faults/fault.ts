import type { Dice } from '../../infra/local/sample/random.ts'
import type { EventStream } from './event-stream.ts'
import type { Fleet, MemberName } from './fleet.ts'
import type { History } from './history.ts'
import type { Member } from './member.ts'

/**
 * Where a fault strikes. Faults on different services strike at the same time, one on each; one on the world (Kafka,
 * ClickHouse, the groups) strikes alone.
 */
export type Lane = MemberName | 'world'

/** What a fault met when it struck. */
export interface Strike {
  /** Times it fell between begin and commit of a transaction. */
  readonly openTransactions: number
  /** Times it fell while an INSERT was under way. */
  readonly runningInserts: number
}

/** What a fault has to work with. */
export interface FaultContext {
  readonly fleet: Fleet
  /** The instance that is struck, on a service's lane. */
  readonly target: Member
  /** The other instance of the same service. */
  readonly other: Member
  /** Takes every attempt of a fault that sends events of its own. */
  readonly history: History
  /** Makes such events. */
  readonly stream: EventStream
  /** Tells the person who watches the run what was measured. */
  readonly say: (line: string) => void
  readonly dice: Dice
}

/** One kind of fault. Its name is its file's. */
export interface Fault {
  readonly name: string
  readonly lanes: readonly Lane[]
  /** How often it comes for once of the others; once unless given. */
  readonly weight?: number
  /**
   * Strikes, and heals what the fleet would not mend by itself; processes that died are started again by whoever
   * strikes them. Throws where the fault did not come about: a run must not count what did not happen.
   */
  strike(context: FaultContext): Promise<Strike>
}

export const NOTHING_MET: Strike = { openTransactions: 0, runningInserts: 0 }

import type { Dice } from '../../../infra/local/sample/random.ts'
import type { EventStream } from '../usage/event-stream.ts'
import type { Fleet } from './fleet.ts'
import type { History } from '../usage/history.ts'
import type { Member } from './member.ts'
import type { ServiceName } from '../../../schemas/services.ts'

/**
 * Where a fault strikes. Faults on different services strike at the same time, one on each; one on the world (Kafka,
 * ClickHouse, the groups) strikes alone.
 */
export type Lane = ServiceName | 'world'

/** What a fault hit when it struck. */
export interface Strike {
  /** How often it hit a transaction between begin and commit. */
  readonly openTransactions: number
  /** How often it hit while an INSERT was under way. */
  readonly runningInserts: number
  /** For a strike on Kafka: what clients and tasks may have to do without. */
  readonly outage?: OutageBound
}

/** The time that Kafka itself needed, and the promise on top of it; null where nothing can be promised. */
export interface OutageBound {
  /** The time until no partition waited for the struck broker any more. */
  readonly failoverMs: number | null
  /** The longest time without an acknowledgement, and without a decided cost. */
  readonly boundMs: number | null
}

/** What a fault requires: more than one broker, or links between them that can be cut. */
export type Need = 'several brokers' | 'links'

/** What a fault has to work with. */
export interface FaultContext {
  readonly fleet: Fleet
  /** The instance that is struck, on a service's lane. */
  readonly target: Member
  /** The other instance of the same service. */
  readonly other: Member
  /** Records every attempt of a fault that sends events of its own. */
  readonly history: History
  /** Makes such events. */
  readonly stream: EventStream
  /** Shows what was measured to the person who watches the run. */
  readonly say: (line: string) => void
  readonly dice: Dice
}

/** One kind of fault. Its name is the name of its file. */
export interface Fault {
  readonly name: string
  readonly lanes: readonly Lane[]
  /** How often it strikes for each strike of the others; once unless given. */
  readonly weight?: number
  readonly needs?: Need
  /**
   * Strikes, and heals what the fleet would not repair by itself; processes that died are started again by the caller.
   * Throws where the fault did not come about: a run must not count what did not happen.
   */
  strike(context: FaultContext): Promise<Strike>
}

/** The time that Kafka needed is not known, and nothing is promised. */
export const NO_BOUND: OutageBound = { failoverMs: null, boundMs: null }

export const NOTHING_MET: Strike = { openTransactions: 0, runningInserts: 0 }

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

/** What a fault met when it struck. */
export interface Strike {
  /** Times it fell between begin and commit of a transaction. */
  readonly openTransactions: number
  /** Times it fell while an INSERT was under way. */
  readonly runningInserts: number
  /** Of a strike on Kafka: what clients and tasks may go without. */
  readonly outage?: OutageBound
}

/** What Kafka itself needed, and what is promised on top of it; null where nothing can be. */
export interface OutageBound {
  /** Until no partition waited for the struck broker any more. */
  readonly failoverMs: number | null
  /** Longest time without an acknowledgement, and without a decided cost. */
  readonly boundMs: number | null
}

/** What a fault cannot do without: more than one broker, or links between them that can be cut. */
export type Need = 'several brokers' | 'links'

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
  readonly needs?: Need
  /**
   * Strikes, and heals what the fleet would not mend by itself; processes that died are started again by whoever
   * strikes them. Throws where the fault did not come about: a run must not count what did not happen.
   */
  strike(context: FaultContext): Promise<Strike>
}

/** Nothing is known of what Kafka needed, and nothing is promised. */
export const NO_BOUND: OutageBound = { failoverMs: null, boundMs: null }

export const NOTHING_MET: Strike = { openTransactions: 0, runningInserts: 0 }

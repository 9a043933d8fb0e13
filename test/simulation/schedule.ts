import type { ConsumerName, TaskServiceName } from '../../schemas/services.ts'
import type { FailpointName } from '../../pipelines/failpoints.ts'
import type { FateEnd, RequestKind } from './world/fate.ts'
import type { CommandDraft, HeartbeatDraft } from './account/requests.ts'

/** Everything that happens in one simulated run, as data: it is made from a seed, can shrink, and can be kept. */
export interface Schedule {
  /** The seed for what the schedule does not fix: how long requests take, which member gets which partition. */
  readonly seed: number
  readonly settings: Settings
  readonly entries: readonly Entry[]
}

export interface Settings {
  /** The world's time at its start, UTC. */
  readonly startMs: number
  /** Faults end after this long. */
  readonly activeMs: number
  readonly instances: Readonly<Record<ConsumerName, number>>
  /** The number of ids that one aggregator process holds. */
  readonly idsMax: number
  /** Raw records of one partition in one fetch. */
  readonly fetchMax: number
  readonly latencyMs: number
  /** How long after the end of a transaction its markers may be missing. */
  readonly markerMs: number
  /** How far the clocks of processes are off. */
  readonly skewMs: number
  /** One broker, or three that take turns at leading. */
  readonly brokers: number
  /** How long the other replicas may take to follow a leader. */
  readonly replicaMs: number
  /** How long it may take until all brokers know of a move. */
  readonly newsMs: number
}

/** A usage event; the same `id` means the same event, unless it is a conflict. */
export interface EventDraft {
  readonly id: number
  /** One of the partition's nodes. */
  readonly node: number
  /** When it occurred, before the world's start. */
  readonly agoMs: number
  readonly nanoUsd: number
  readonly operator: number | null
  readonly source: 'own' | 'hive' | 'idle'
  readonly tokens: number
  readonly gpuMs: number | null
  readonly energyMwh: number | null
  /** The reservation that it names, if any. */
  readonly reservation?: number
}

export interface UsageEntry {
  readonly kind: 'usage'
  readonly atMs: number
  readonly gateway: number
  readonly partition: number
  readonly events: readonly EventDraft[]
  /** Events of the other partition, which a sender with another partitioner puts into the same record. */
  readonly strays?: readonly EventDraft[]
}

/** A request to a node's account. */
export interface CommandEntry {
  readonly kind: 'command'
  readonly atMs: number
  readonly gateway: number
  readonly partition: number
  readonly node: number
  readonly command: CommandDraft
}

export interface HeartbeatEntry {
  readonly kind: 'heartbeat'
  readonly atMs: number
  readonly gateway: number
  readonly partition: number
  readonly node: number
  readonly heartbeat: HeartbeatDraft
}

/** A request with another end than an answer: the next of its kind by any process of the service. */
export interface FaultEntry {
  readonly kind: 'fault'
  readonly atMs: number
  readonly service: ConsumerName | 'gateway'
  readonly request: RequestKind
  readonly end: FateEnd
  readonly holdMs: number
  readonly isCut: boolean
}

/** A process that dies or freezes at a named point: the next of the service that reaches it. */
export interface PointEntry {
  readonly kind: 'point'
  readonly atMs: number
  readonly service: ConsumerName
  readonly point: FailpointName
  readonly what: 'kill' | 'freeze'
  readonly forMs: number
}

/** An event, command or heartbeat on which every version of the code fails. */
export interface UndecidableEntry {
  readonly kind: 'undecidable'
  readonly atMs: number
  readonly of: 'event' | 'command' | 'heartbeat'
  readonly partition: number
  readonly node: number
  readonly id: number
}

/** This many decisions of the partition's task fail when they are made, and name nothing. */
export interface DecideFailsEntry {
  readonly kind: 'decide-fails'
  readonly atMs: number
  readonly service: TaskServiceName
  readonly partition: number
  readonly times: number
}

/** This many commits of the partition's task fail, except its fences; done, or not even begun. */
export interface CommitFailsEntry {
  readonly kind: 'commit-fails'
  readonly atMs: number
  readonly service: TaskServiceName
  readonly partition: number
  readonly times: number
  readonly isDone: boolean
}

export type Entry =
  | UsageEntry
  | CommandEntry
  | HeartbeatEntry
  | FaultEntry
  | PointEntry
  | UndecidableEntry
  | DecideFailsEntry
  | CommitFailsEntry
  /** An act of an actor's client that has no kind of its own here; only that actor interprets `act`. */
  | {
      readonly kind: 'act'
      readonly atMs: number
      readonly actor: string
      readonly gateway: number
      readonly partition: number
      readonly act: unknown
    }
  /** A record that is no usage event. */
  | { readonly kind: 'broken'; readonly atMs: number; readonly gateway: number; readonly partition: number }
  /** An instance is killed, or ends in order, and starts anew after a while with these account rules. */
  | {
      readonly kind: 'kill' | 'stop'
      readonly atMs: number
      readonly service: ConsumerName
      readonly instance: number
      readonly downMs: number
      readonly rules: number
    }
  | {
      readonly kind: 'freeze'
      readonly atMs: number
      readonly service: ConsumerName
      readonly instance: number
      readonly forMs: number
    }
  | {
      readonly kind: 'store'
      readonly atMs: number
      /** `older`: it comes back from a copy that was made a while before. */
      readonly what: 'away' | 'kill' | 'slow' | 'older'
      readonly forMs: number
    }
  | { readonly kind: 'forget-offsets'; readonly atMs: number; readonly service: ConsumerName }
  | { readonly kind: 'compact'; readonly atMs: number }
  /** The next version of the table of models is in force; half of the processes learn of it this much later. */
  | { readonly kind: 'models'; readonly atMs: number; readonly behindMs: number }
  /**
   * A broker ends in order (its leaderships go first), dies, hangs or is cut off from its peers, and is back after a while. After `failoverMs` of
   * silence the controller gives it up.
   */
  | {
      readonly kind: 'broker'
      readonly atMs: number
      readonly broker: number
      readonly what: 'stop' | 'kill' | 'hang' | 'cut'
      readonly forMs: number
      readonly failoverMs: number
    }
  /** This many leaderships go to other brokers: of partitions, of coordinators. */
  | { readonly kind: 'move'; readonly atMs: number; readonly from: number; readonly count: number }

import type { TopicRole } from './topics.ts'

/** A long-running service, and its place among the others. All code that lists services reads this table. */
export interface ServiceSpec {
  /** `server` answers clients over HTTP; `tasks` decide, one task for each partition of an input; `loader` copies blocks. */
  readonly kind: 'server' | 'tasks' | 'loader'
  /** The setting with the address on which it listens: for its routes, or only for the operator. */
  readonly host: 'gatewayHost' | 'readerHost' | 'opsHost'
  readonly port: `${string}Port`
  /** For tasks: the one topic whose records they decide. */
  readonly input?: TopicRole
  /** For tasks: the topic that keeps their state, including their position. */
  readonly state?: TopicRole
  /** For tasks: the other topics that their transactions write to. */
  readonly outputs?: readonly TopicRole[]
  /**
   * For tasks: an idle partition gets ticks, so that its watermark moves on. It needs none where another task's ticks
   * arrive.
   */
  readonly tickWhenIdle?: boolean
}

/** In the order in which an event meets them. */
export const SERVICES = {
  gateway: { kind: 'server', host: 'gatewayHost', port: 'gatewayPort' },
  aggregator: {
    kind: 'tasks',
    host: 'opsHost',
    port: 'aggregatorOpsPort',
    input: 'usageMetered',
    state: 'usageIds',
    outputs: ['usageBlocks', 'accountInbox'],
    tickWhenIdle: true,
  },
  settler: {
    kind: 'tasks',
    host: 'opsHost',
    port: 'settlerOpsPort',
    input: 'accountInbox',
    state: 'nodeState',
    outputs: ['settlementBlocks'],
    // The aggregator's ticks arrive as inbox records.
    tickWhenIdle: false,
  },
  fleet: {
    kind: 'tasks',
    host: 'opsHost',
    port: 'fleetOpsPort',
    input: 'fleetInbox',
    state: 'fleetState',
    outputs: ['fleetBlocks'],
    // It decides nothing by time alone.
    tickWhenIdle: false,
  },
  loader: { kind: 'loader', host: 'opsHost', port: 'loaderOpsPort' },
  reader: { kind: 'server', host: 'readerHost', port: 'readerPort' },
} as const satisfies Record<string, ServiceSpec>

export type ServiceName = keyof typeof SERVICES
type OfKind<Kind extends ServiceSpec['kind']> = {
  [Name in ServiceName]: (typeof SERVICES)[Name]['kind'] extends Kind ? Name : never
}[ServiceName]

/** Services whose work is tasks. */
export type TaskServiceName = OfKind<'tasks'>
/** Services that are members of consumer groups. */
export type ConsumerName = OfKind<'tasks' | 'loader'>

export const SERVICE_NAMES = Object.keys(SERVICES) as readonly ServiceName[]
const ofKind = <Kind extends ServiceSpec['kind']>(kind: Kind): readonly OfKind<Kind>[] =>
  SERVICE_NAMES.filter((name): name is OfKind<Kind> => SERVICES[name].kind === kind)

export const TASK_SERVICES = ofKind('tasks')
export const CONSUMERS: readonly ConsumerName[] = [...TASK_SERVICES, ...ofKind('loader')]

/** The order of a stop: services that accept input come first, those that store come last. */
export const STOP_ORDER: readonly ServiceName[] = [
  ...ofKind('server'),
  ...ofKind('tasks'),
  ...ofKind('loader'),
]

/** Whether clients from outside reach its port. */
export const isServer = (name: ServiceName): boolean => SERVICES[name].kind === 'server'

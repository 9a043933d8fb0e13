import type { TopicRole } from './topics.ts'

/** A long-running service, and how it stands among the others. Everything that lists services reads this table. */
export interface ServiceSpec {
  /** `server` answers strangers over HTTP; `tasks` decide, one for each partition of an input; `loader` copies blocks. */
  readonly kind: 'server' | 'tasks' | 'loader'
  /** The settings that say where it listens: its routes, or for the operator alone. */
  readonly host: 'gatewayHost' | 'readerHost' | 'opsHost'
  readonly port: `${string}Port`
  /** Of tasks: the one topic whose records are decided. */
  readonly input?: TopicRole
  /** Of tasks: where what they know stands, their position too. */
  readonly state?: TopicRole
  /** Of tasks: what else their transactions write to. */
  readonly outputs?: readonly TopicRole[]
  /** Of tasks: an idle partition gets ticks, so that its watermark moves on. Where another task's ticks come in, it needs none. */
  readonly tickWhenIdle?: boolean
}

/** In the order an event meets them. */
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
    // The aggregator's ticks come through as inbox records.
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

/** In the order of an end: whoever takes from outside first, whoever stores last. */
export const STOP_ORDER: readonly ServiceName[] = [
  ...ofKind('server'),
  ...ofKind('tasks'),
  ...ofKind('loader'),
]

/** Whether strangers reach its port. */
export const isServer = (name: ServiceName): boolean => SERVICES[name].kind === 'server'

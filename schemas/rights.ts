/**
 * Who may do what in Kafka. This is the only place that knows it: the ACLs that `npm run migrate -- --acls` shows and
 * grants, and the table of docs/security.md, are made from this. There is one principal for each service; each has what its
 * work needs and no more: test/lanes/secure-kafka.test.ts tries both.
 *
 * Kafka's own rules make some rows unnecessary: Read, Write and Delete imply Describe, AlterConfigs implies
 * DescribeConfigs, and a producer with an id (idempotent) needs no right besides Write on a topic.
 */

import { SERVICE_NAMES, SERVICES, TASK_SERVICES } from './services.ts'
import type { TaskServiceName } from './services.ts'
import { BLOCK_ROLES, TOPIC_ROLES, topicNames, TOPICS, UNVERSIONED } from './topics.ts'
import type { TopicRole } from './topics.ts'

/** Operations by Kafka's names. */
export type TopicOperation =
  | 'Read'
  | 'Write'
  | 'Describe'
  | 'Create'
  | 'Delete'
  | 'AlterConfigs'
  | 'DescribeConfigs'

/** Everything that has a principal: the services, the commands, and clients that send usage directly to Kafka. */
export const PRINCIPALS = [...SERVICE_NAMES, 'migrate', 'keys', 'replay', 'verify', 'producer'] as const
export type Principal = (typeof PRINCIPALS)[number]

/**
 * What one principal may do. Names of groups and transactional ids end in "-" where they represent all names that begin
 * so.
 */
export interface Rights {
  readonly topics: Partial<Record<TopicRole, readonly TopicOperation[]>>
  /** What it may do in addition in the versions that a growth creates, and not in the first one. */
  readonly newVersions?: Partial<Record<TopicRole, readonly TopicOperation[]>>
  /** Consumer groups that it reads in. */
  readonly groups: readonly string[]
  /** Transactional ids that it writes under. */
  readonly transactionalIds: readonly string[]
}

/** Every service reads the settings of its topics when it starts. */
const LOOK: readonly TopicOperation[] = ['DescribeConfigs']

const none = { groups: [], transactionalIds: [] } as const

/** To create a topic, to see whether it exists, and to give it the settings that the guarantee needs. */
const MAKE: readonly TopicOperation[] = ['Create', 'Describe', 'AlterConfigs']

/** The installation to which the topics belong is read in groups with these names. */
const INSTALLATION_GROUPS = 'installation-'

type TopicRights = Rights['topics']

/** The same operations on each of the topics. */
function onEach(roles: readonly TopicRole[], operations: readonly TopicOperation[]): TopicRights {
  return Object.fromEntries(roles.map((role) => [role, operations]))
}

/** What the work of tasks needs, according to the table of services: ticks and rules go into their own input. */
function tasksOf(name: TaskServiceName): Rights {
  const { input, state, outputs } = SERVICES[name]
  // A task whose state topic is never compacted deletes from it what it has forgotten.
  const forgets: readonly TopicOperation[] = TOPICS[state].cleanup === 'delete' ? ['Delete'] : []
  return {
    topics: {
      ...onEach(outputs, [...LOOK, 'Write']),
      [input]: [...LOOK, 'Read', 'Write'],
      [state]: [...LOOK, 'Read', 'Write', ...forgets],
      installation: [...LOOK, 'Read'],
    },
    groups: [name, `${name}-`, INSTALLATION_GROUPS],
    transactionalIds: [`${name}-`],
  }
}

const TASKS = Object.fromEntries(TASK_SERVICES.map((name) => [name, tasksOf(name)])) as Readonly<
  Record<TaskServiceName, Rights>
>

/** Every writer of the table of models uses this transactional id: each one fences the one before. */
export const MODELS_WRITER = 'models'

export const RIGHTS: Readonly<Record<Principal, Rights>> = {
  gateway: {
    ...none,
    topics: {
      usageMetered: [...LOOK, 'Write'],
      accountInbox: [...LOOK, 'Write'],
      fleetInbox: [...LOOK, 'Write'],
      accessKeys: [...LOOK, 'Read'],
      installation: [...LOOK, 'Read'],
    },
    groups: ['gateway-keys-', INSTALLATION_GROUPS],
  },
  ...TASKS,
  aggregator: {
    ...TASKS.aggregator,
    topics: { ...TASKS.aggregator.topics, models: [...LOOK, 'Read'] },
  },
  loader: {
    ...none,
    topics: {
      ...onEach(BLOCK_ROLES, [...LOOK, 'Read']),
      installation: [...LOOK, 'Read'],
    },
    groups: ['loader', INSTALLATION_GROUPS],
  },
  reader: {
    topics: {
      nodeState: [...LOOK, 'Read'],
      fleetState: [...LOOK, 'Read'],
      accountInbox: [...LOOK, 'Write'],
      fleetInbox: [...LOOK, 'Write'],
      // An admin writes back what was set aside.
      usageMetered: [...LOOK, 'Write'],
      accessKeys: [...LOOK, 'Read'],
      // An admin writes a version of the table of models, in a transaction that fences every other writer.
      models: [...LOOK, 'Read', 'Write'],
      installation: [...LOOK, 'Read'],
    },
    groups: ['reader-', INSTALLATION_GROUPS],
    transactionalIds: [MODELS_WRITER],
  },
  migrate: {
    topics: {
      ...onEach(TOPIC_ROLES, MAKE),
      // A growth ends the inputs, reads ids and accounts, and carries over the records of partitions that no task reads.
      ...onEach(['usageMetered', 'accountInbox'], [...MAKE, 'Read', 'Write']),
      // Earlier operators are confirmed by commands; the inbox shows since when that is recorded, the keys show who is an
      // admin. Where there are fleets, nothing is grown.
      ...onEach(['usageIds', 'nodeState', 'fleetState', 'accessKeys'], [...MAKE, 'Read']),
      // The first table of a new installation, and one from a file; also the name of the installation, once.
      ...onEach(['models', 'installation'], [...MAKE, 'Read', 'Write']),
    },
    // What an interrupted move of ids left is deleted before the move begins again.
    newVersions: { usageIds: ['Write', 'Delete'], nodeState: ['Write'] },
    groups: [INSTALLATION_GROUPS, 'growth-', 'confirm-', 'models-'],
    transactionalIds: ['growth', MODELS_WRITER],
  },
  keys: {
    ...none,
    // Each key that it creates or revokes is reported to the audit.
    topics: { accessKeys: ['Read', 'Write'], accountInbox: ['Write'], installation: ['Read'] },
    groups: ['keys-', INSTALLATION_GROUPS],
  },
  replay: {
    ...none,
    topics: { usageMetered: ['Write'], installation: ['Read'] },
    groups: [INSTALLATION_GROUPS],
  },
  verify: {
    ...none,
    topics: {
      ...onEach(
        TASK_SERVICES.flatMap((name) => [SERVICES[name].input, SERVICES[name].state]),
        ['Read'],
      ),
      ...onEach(['models', 'installation'], ['Read']),
    },
    groups: ['verify-', INSTALLATION_GROUPS],
  },
  producer: { ...none, topics: { usageMetered: ['Write'] } },
}

/** One right of one principal, in Kafka's words. */
export interface Acl {
  readonly principal: string
  readonly resource: 'Topic' | 'Group' | 'TransactionalId'
  readonly name: string
  /** `prefixed`: all names that begin with this one. */
  readonly pattern: 'literal' | 'prefixed'
  readonly operation: TopicOperation
}

/** The name of a principal where no other is given; `{service}` is replaced with the name used here. */
export const PRINCIPAL_PATTERN = 'User:hivemeter-{service}'

/** Every right of one installation, by its topic prefix and the names of its principals. */
export function aclsOf(topicPrefix: string, principalPattern: string): Acl[] {
  const names = topicNames(topicPrefix)
  const acls: Acl[] = []
  for (const service of PRINCIPALS) {
    const principal = principalPattern.replaceAll('{service}', service)
    const { topics, newVersions = {}, groups, transactionalIds } = RIGHTS[service]
    for (const role of topicsOf(service)) {
      const operations = topics[role] ?? []
      const right = { principal, resource: 'Topic' } as const
      for (const operation of operations) {
        acls.push({ ...right, operation, name: names[role], pattern: 'literal' })
      }
      if (UNVERSIONED.has(role)) continue
      for (const operation of [...operations, ...(newVersions[role] ?? [])]) {
        acls.push({ ...right, operation, name: `${names[role]}.v`, pattern: 'prefixed' })
      }
    }
    for (const group of groups) {
      acls.push({ principal, resource: 'Group', operation: 'Read', ...named(topicPrefix, group) })
    }
    for (const id of transactionalIds) {
      acls.push({ principal, resource: 'TransactionalId', operation: 'Write', ...named(topicPrefix, id) })
    }
  }
  return acls
}

function named(topicPrefix: string, name: string): Pick<Acl, 'name' | 'pattern'> {
  return { name: `${topicPrefix}${name}`, pattern: name.endsWith('-') ? 'prefixed' : 'literal' }
}

/** The topics for which a principal has any right. */
export function topicsOf(principal: Principal): TopicRole[] {
  return TOPIC_ROLES.filter((role) => RIGHTS[principal].topics[role] !== undefined)
}

import { CompactedTable } from '../../pipelines/kafka/table.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { ServiceParts } from '../process.ts'
import type { Access } from './access.ts'
import { jwtCallers } from './jwt.ts'
import { KeyRing } from './key-ring.ts'

/** Bytes of a process' own group id, so that each follows all keys. */
const GROUP_ID_BYTES = 8

/** How this process knows its callers, kept up to date. */
export interface FollowedAccess {
  readonly access: Access
  /** What it waits for before it knows every key, in words. */
  waitingFor(): string[]
  /** Resolves if the keys cannot be followed any more. */
  readonly failed: Promise<Error>
  stop(): Promise<void>
}

const never = new Promise<Error>(() => {})

/** Follows access.keys: a key that is made or revoked counts here within seconds. */
export async function followAccess(parts: ServiceParts, service: string): Promise<FollowedAccess> {
  const { config, logger, clock, random } = parts
  if (config.access === 'off')
    return { access: { mode: 'off' }, waitingFor: () => [], failed: never, stop: async () => {} }
  const jwt = await jwtCallers(config, clock)
  const keys = new KeyRing()
  const table = new CompactedTable({
    brokers: config.kafkaBrokers,
    clientId: `hivemeter-${service}`,
    logger,
    clock,
    topic: topicNames(config.topicPrefix).accessKeys,
    groupId: `${config.topicPrefix}${service}-keys-${random.bytes(GROUP_ID_BYTES).toString('hex')}`,
    partitions: config.partitions,
    onRecord: (record) => keys.apply(record),
  })
  const loading = table.start()
  return {
    access: { mode: 'required', keys, jwt, requestsPerSecondMax: config.requestsPerSecondMax, clock },
    waitingFor: () => table.waitingFor(),
    failed: loading.then(
      () => table.failed,
      (error: unknown) =>
        error instanceof Error ? error : new Error('access.keys cannot be read', { cause: error }),
    ),
    stop: () => table.stop(),
  }
}

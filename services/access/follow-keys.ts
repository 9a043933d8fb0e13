import { CompactedTable } from '../../pipelines/kafka/table.ts'
import { kafkaOf } from '../kafka.ts'
import type { LayoutParts } from '../follow-layout.ts'
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

/** How long it waits before it tries to read the keys again: Kafka may come later than this process. */
const RETRY_PAUSE_MS = 1_000

/** Follows access.keys: a key that is made or revoked counts here within seconds. */
export async function followAccess(parts: LayoutParts, service: string): Promise<FollowedAccess> {
  const { config, clock } = parts
  if (config.access === 'off') {
    return { access: { mode: 'off' }, waitingFor: () => [], failed: never, stop: async () => {} }
  }
  const jwt = await jwtCallers(config, clock)
  const keys = new KeyRing()
  const following = new KeysFollower(parts, service, keys)
  return {
    access: {
      mode: 'required',
      keys,
      jwt,
      isLoaded: () => following.table.loaded,
      requestsPerSecondMax: config.requestsPerSecondMax,
      clock,
    },
    waitingFor: () => following.table.waitingFor(),
    failed: following.run(),
    stop: () => following.stop(),
  }
}

class KeysFollower {
  table: CompactedTable
  readonly #parts: LayoutParts
  readonly #service: string
  readonly #keys: KeyRing
  readonly #stopping = new AbortController()

  constructor(parts: LayoutParts, service: string, keys: KeyRing) {
    this.#parts = parts
    this.#service = service
    this.#keys = keys
    this.table = this.#open()
  }

  /** Reads the table until it is loaded, however long Kafka is away. Resolves if it cannot be followed any more. */
  async run(): Promise<Error> {
    const { clock, logger } = this.#parts
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.table.start()
        return await this.table.failed
      } catch (error) {
        logger.warn({ err: error }, 'the keys cannot be read yet; tried again every second')
        await this.table.stop()
        await clock.delay(RETRY_PAUSE_MS, signal)
        if (!signal.aborted) this.table = this.#open()
      }
    }
    return await never
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.table.stop()
  }

  #open(): CompactedTable {
    const { config, layout, logger, clock, random } = this.#parts
    return new CompactedTable({
      ...kafkaOf(config, `hivemeter-${this.#service}`, logger),
      clock,
      topic: layout.topics.accessKeys,
      groupId: `${config.topicPrefix}${this.#service}-keys-${random.bytes(GROUP_ID_BYTES).toString('hex')}`,
      partitions: layout.keysPartitions,
      onRecord: (record) => this.#keys.apply(record),
    })
  }
}

import { CompactedTable } from '../../pipelines/kafka/kafkajs/table.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'
import type { Access } from './access.ts'
import { jwtCallers } from './jwt.ts'
import { Freshness } from './freshness.ts'
import { KeyRing } from './key-ring.ts'
import type { UnreadableKey } from './key-ring.ts'

/** Bytes of the group id of each process, so that each process follows all keys. */
const GROUP_ID_BYTES = 8

/** How this process identifies its callers, kept up to date. */
export interface FollowedAccess {
  readonly access: Access
  /** What it waits for before it knows every key, in words. */
  waitingFor(): string[]
  /** What a person should check although nothing waits for it. */
  notes(): string[]
  /** Resolves if the keys cannot be followed any more. */
  readonly failed: Promise<Error>
  stop(): Promise<void>
}

const never = new Promise<Error>(() => {})

/** How often it checks whether the keys have been read to the end of the log. */
const LOOK_EVERY_MS = 5_000

/** Keys that /readyz names as unreadable; of further ones it gives the number. */
const NAMED_MAX = 10

/** How long it waits before it tries to read the keys again: Kafka may start later than this process. */
const RETRY_PAUSE_MS = 1_000

/** Follows access.keys: a key that is made or revoked takes effect here within seconds. */
export async function followAccess(parts: LayoutParts, service: string): Promise<FollowedAccess> {
  const { config, clock } = parts
  if (config.access === 'off') {
    return {
      access: { mode: 'off' },
      waitingFor: () => [],
      notes: () => [],
      failed: never,
      stop: async () => {},
    }
  }
  const jwt = await jwtCallers(config, clock)
  const keys = new KeyRing(({ keyId, problem }) => {
    parts.metrics.count('hivemeter_access_keys_unreadable_total')
    parts.logger.error(
      { keyId },
      `key ${keyId} of access.keys cannot be read, so nobody gets in with it: ${problem}. ${REMEDY}`,
    )
  })
  const following = new KeysFollower(parts, service, keys)
  return {
    access: {
      mode: 'required',
      keys,
      jwt,
      isLoaded: () => following.table.loaded,
      isBelieved: () => following.freshness.isBelieved(clock.monotonicMs()),
      requestsPerSecondMax: config.requestsPerSecondMax,
      clock,
    },
    waitingFor: () => [
      ...following.table.waitingFor(),
      ...following.freshness.waitingFor(clock.monotonicMs()),
    ],
    notes: () => notesOn(keys.unreadable()),
    failed: following.run(),
    stop: () => following.stop(),
  }
}

const REMEDY = 'Revoke or make it anew with npm run keys, and find out who wrote it.'

function notesOn(unreadable: readonly UnreadableKey[]): string[] {
  const named = unreadable
    .slice(0, NAMED_MAX)
    .map(({ keyId, problem }) => `key ${keyId} cannot be read: ${problem}. ${REMEDY}`)
  return unreadable.length > NAMED_MAX
    ? [...named, `${unreadable.length - NAMED_MAX} more keys cannot be read.`]
    : named
}

class KeysFollower {
  table: CompactedTable
  readonly freshness: Freshness
  readonly #parts: LayoutParts
  readonly #service: string
  readonly #keys: KeyRing
  readonly #stopping = new AbortController()

  constructor(parts: LayoutParts, service: string, keys: KeyRing) {
    this.#parts = parts
    this.#service = service
    this.#keys = keys
    this.freshness = new Freshness(parts.clock.monotonicMs())
    this.table = this.#open()
  }

  /** Reads the table until it is loaded, however long Kafka is away. Resolves if it can no longer be followed. */
  async run(): Promise<Error> {
    const { clock, logger } = this.#parts
    const { signal } = this.#stopping
    void this.#watch()
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

  /** Notes when the table reached the end of the log: a consumer that hangs does not report that itself. */
  async #watch(): Promise<void> {
    const { clock, layout } = this.#parts
    const { signal } = this.#stopping
    const partitions = Array.from({ length: layout.keysPartitions }, (_, partition) => partition)
    while (!signal.aborted) {
      const queriedAtMs = clock.monotonicMs()
      if (this.table.loaded) {
        const reached = await Promise.all(partitions.map((partition) => this.table.reach(partition)))
        if (reached.every(Boolean)) this.freshness.current(queriedAtMs)
      } else {
        // No client is let in before the table is loaded, and /readyz says what that waits for.
        this.freshness.current(queriedAtMs)
      }
      await clock.delay(LOOK_EVERY_MS, signal)
    }
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

import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import { deleteRecordsBefore, logRanges, withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import { writeLayout } from '../../../pipelines/kafka/kafkajs/layout.ts'
import type { TopicAppend } from '../../../pipelines/log/records.ts'
import type { TransactionalWriter } from '../../../pipelines/kafka/transaction.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import type { Random } from '../../../pipelines/random.ts'
import { aggregatorTaskCodec, settlerTaskCodec } from '../../../schemas/avro.ts'
import type { AggregatorTask, Layout, SettlerTask } from '../../../schemas/records.ts'
import { topicNames } from '../../../schemas/topics.ts'
import type { TopicRole } from '../../../schemas/topics.ts'
import type { Config } from '../../runtime/config.ts'
import { EXIT, ExitError } from '../../runtime/exit.ts'
import { kafkaOf } from '../../runtime/kafka.ts'
import { findLayout, growthWriter } from '../first-layout.ts'
import { ID_KEY, readKeyFile } from '../../runtime/key-file.ts'
import { mendTopics } from '../topics.ts'
import { closeTopic } from './close-topic.ts'
import { awaitLoaded, endTasks } from './drain.ts'
import type { GrowthKafka } from './drain.ts'
import { accountsOf, firstSettlerTask, settlerTaskRecord } from './move-accounts.ts'
import { aggregatorTaskRecord, firstAggregatorTask, moveIds } from './move-ids.ts'
import { holdsFleets } from './fleets.ts'
import { carryStrays } from './strays.ts'
import { MIB } from '../../../schemas/units.ts'

/** Longer than a service takes to read a new layout: after it the gateway refuses by itself, and tasks know the token. */
const HEARD_MS = 2_500

const TOKEN_BYTES = 16

/** Records of one transaction of what is moved. */
const MOVED_RECORDS_MAX = 2_000
const MOVED_BYTES_MAX = 4 * MIB

/** The steps of a growth. Each is done again, with the same effect, where a run ended before the next one. */
export const GROWTH_STEPS = [
  'topics made',
  'announced',
  'usage closed',
  'usage drained',
  'requests closed',
  'accounts drained',
  'blocks loaded',
  'state moved',
  'cut over',
] as const
export type GrowthStep = (typeof GROWTH_STEPS)[number]

export interface GrowParts {
  readonly config: Config
  readonly client: ClickhouseClient
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** Called when a step is done. */
  readonly onStep?: (step: GrowthStep) => Promise<void>
}

type Topics = Readonly<Record<TopicRole, string>>

/** The last records of all tasks of the version that ended, by partition. */
interface Drained {
  readonly usage: readonly AggregatorTask[]
  readonly accounts: readonly SettlerTask[]
}

/**
 * Gives the installation more partitions while it runs: a new version of all topics that are keyed by node, to which
 * accounts and ids move with their nodes once the version in force is drained to the end. Another run after an
 * interruption continues it; until the cut-over no service reads anything of the new version. Exit 78 where it cannot be
 * grown in this way.
 */
export async function grow(parts: GrowParts, partitions: number): Promise<void> {
  const layout = await findLayout(parts.config)
  if (layout === null) throw refused('The installation has no layout yet: run npm run migrate first.')
  if (layout.partitions === partitions && layout.growing === null) {
    parts.say(`The installation has ${partitions} partitions already.`)
    return
  }
  const refusal = growthRefusal(layout, partitions)
  if (refusal !== null) throw refused(refusal)
  const kafka = {
    ...kafkaOf(parts.config, 'hivemeter-migrate', silentLogger),
    groupBase: groupBaseOf(parts.config),
  }
  const topic = topicNames(parts.config.topicPrefix, layout.version).fleetState
  if (await holdsFleets({ ...kafka, topic }, layout.partitions)) throw refused(HAS_FLEETS)
  const writer = growthWriter(parts.config)
  try {
    await new Growth(parts, layout, partitions, writer).run()
  } finally {
    await writer.close()
  }
}

/** Why an installation cannot be given this number of partitions now; null where it can. */
export function growthRefusal(layout: Layout, partitions: number): string | null {
  const { growing } = layout
  if (growing !== null && growing.partitions !== partitions) {
    return (
      `The installation is being grown to ${growing.partitions} partitions, and its topics may be closed already. ` +
      `Run npm run migrate -- --grow ${growing.partitions} until it is done, then grow it further.`
    )
  }
  if (partitions > layout.partitions) return null
  return `The installation has ${layout.partitions} partitions; --grow takes a larger number. It never gets fewer.`
}

const HAS_FLEETS =
  'The installation has nodes of hosting fleets, and --grow moves accounts and ids alone: what fleets sent would be counted anew. Nothing was changed.'

/** The begin of the names of the groups in which a growth reads. */
function groupBaseOf({ topicPrefix }: Config): string {
  return `${topicPrefix}growth`
}

function refused(message: string): ExitError {
  return new ExitError(EXIT.configuration, message)
}

class Growth {
  readonly #parts: GrowParts
  readonly #kafka: GrowthKafka
  readonly #writer: TransactionalWriter
  readonly #partitions: number
  readonly #from: Topics
  readonly #to: Topics
  #layout: Layout

  constructor(parts: GrowParts, layout: Layout, partitions: number, writer: TransactionalWriter) {
    this.#parts = parts
    this.#kafka = {
      ...kafkaOf(parts.config, 'hivemeter-migrate', silentLogger),
      groupBase: groupBaseOf(parts.config),
    }
    this.#writer = writer
    this.#layout = layout
    this.#partitions = partitions
    this.#from = topicNames(parts.config.topicPrefix, layout.version)
    this.#to = topicNames(parts.config.topicPrefix, layout.version + 1)
  }

  async run(): Promise<void> {
    const { client, say } = this.#parts
    await this.#makeTopics()
    await this.#announce()
    await this.#close('usageMetered')
    await this.#done('usage closed')
    const usage = await this.#endUsage()
    await this.#done('usage drained')
    await this.#close('accountInbox')
    await this.#done('requests closed')
    const accounts = await this.#endAccounts()
    await this.#done('accounts drained')
    const drain = { ...this.#parts, kafka: this.#kafka }
    await awaitLoaded(drain, client, this.#from.usageBlocks, usage)
    await awaitLoaded(drain, client, this.#from.settlementBlocks, accounts)
    await this.#done('blocks loaded')
    await this.#move({ usage, accounts })
    const idKey = readKeyFile(ID_KEY, this.#parts.config.idKeyFile)
    const strays = { ...this.#parts, kafka: this.#kafka, idKey }
    await carryStrays(strays, this.#straySource(), this.#strayTarget())
    await this.#done('state moved')
    await this.#cutOver({ usage, accounts })
    await this.#done('cut over')
    say(`The installation has ${this.#partitions} partitions; its services go on there by themselves.`)
  }

  async #done(step: GrowthStep): Promise<void> {
    this.#parts.say(`Growth: ${step}.`)
    await this.#parts.onStep?.(step)
    this.#parts.signal.throwIfAborted()
  }

  async #makeTopics(): Promise<void> {
    const { keys_partitions, version } = this.#layout
    const wanted = {
      version: version + 1,
      partitions: this.#partitions,
      keysPartitions: keys_partitions,
      growing: null,
    }
    const { left } = await mendTopics(this.#parts.config, wanted)
    if (left.length > 0) throw refused('The new topics lack copies: run npm run migrate -- --check.')
    await this.#done('topics made')
  }

  /** After this step the gateway refuses by itself, and tasks distinguish an end record of this growth from a stranger's. */
  async #announce(): Promise<void> {
    const { random, clock, signal } = this.#parts
    // Also where it was announced before: from now on an earlier run that still lives is fenced out.
    const token = this.#layout.growing?.token ?? random.bytes(TOKEN_BYTES)
    this.#layout = { ...this.#layout, growing: { partitions: this.#partitions, token } }
    await writeLayout(this.#writer, this.#from.installation, this.#layout)
    await clock.delay(HEARD_MS, signal)
    await this.#done('announced')
  }

  async #close(role: 'usageMetered' | 'accountInbox'): Promise<void> {
    const { clock, signal } = this.#parts
    const { partitions } = this.#layout
    await closeTopic({ kafka: this.#kafka, topic: this.#from[role], partitions, clock, signal })
  }

  async #endUsage(): Promise<AggregatorTask[]> {
    return await endTasks(
      { ...this.#parts, kafka: this.#kafka },
      {
        service: 'aggregator',
        input: this.#from.usageMetered,
        state: this.#from.usageIds,
        partitions: this.#layout.partitions,
        token: this.#token,
        decode: (value) => aggregatorTaskCodec.decode(value),
      },
    )
  }

  async #endAccounts(): Promise<SettlerTask[]> {
    return await endTasks(
      { ...this.#parts, kafka: this.#kafka },
      {
        service: 'settler',
        input: this.#from.accountInbox,
        state: this.#from.nodeState,
        partitions: this.#layout.partitions,
        token: this.#token,
        decode: (value) => settlerTaskCodec.decode(value),
      },
    )
  }

  get #token(): Buffer {
    return this.#layout.growing?.token ?? Buffer.alloc(0)
  }

  async #move({ usage, accounts }: Drained): Promise<void> {
    const { config, client, say } = this.#parts
    const target = { topic: this.#to.usageIds, partitions: this.#partitions }
    await this.#emptyIds()
    const batch = new MovedBatch(this.#writer)
    const lows: (number | null)[] = []
    let ids = 0
    for (const [partition, task] of usage.entries()) {
      const source = {
        kafka: this.#kafka,
        idKey: readKeyFile(ID_KEY, config.idKeyFile),
        stateTopic: this.#from.usageIds,
        blocksTopic: this.#from.usageBlocks,
        partition,
        task,
      }
      // Reads from one replica, after it has every row that is acknowledged.
      const { moved, low } = await client.onOneReplica(async (replica) => {
        await replica.sync(['usage_events'])
        return await moveIds({ ...source, client: replica }, target, (record) => batch.add(record))
      })
      lows.push(low)
      ids += moved
      this.#parts.signal.throwIfAborted()
    }
    let moved = 0
    for (const partition of accounts.keys()) {
      const from = { ...this.#kafka, topic: this.#from.nodeState, partition }
      const to = { topic: this.#to.nodeState, partitions: this.#partitions }
      for (const record of await accountsOf(from, to)) {
        await batch.add(record)
        moved += 1
      }
      this.#parts.signal.throwIfAborted()
    }
    const usageTask = firstAggregatorTask(usage, lows)
    const accountsTask = firstSettlerTask(accounts)
    for (let partition = 0; partition < this.#partitions; partition += 1) {
      await batch.add(aggregatorTaskRecord(this.#to.usageIds, partition, usageTask))
      await batch.add(settlerTaskRecord(this.#to.nodeState, partition, accountsTask))
    }
    await batch.flush()
    say(`Growth: ${ids} ids and ${moved} accounts and outcomes moved.`)
  }

  /**
   * Deletes the ids that an earlier run wrote: they would only take room. The accounts that it wrote are the same, and
   * are overwritten.
   */
  async #emptyIds(): Promise<void> {
    const topic = this.#to.usageIds
    await withAdmin(this.#kafka, async (admin) => {
      for (const [partition, { start, end }] of await logRanges(admin, topic)) {
        if (end > start) await deleteRecordsBefore(admin, topic, partition, end)
      }
    })
  }

  async #cutOver({ usage, accounts }: Drained): Promise<void> {
    const { version, partitions, keys_partitions, before } = this.#layout
    await writeLayout(this.#writer, this.#from.installation, {
      version: version + 1,
      partitions: this.#partitions,
      keys_partitions,
      before: [
        ...before,
        {
          version,
          partitions,
          ended_at: this.#parts.clock.nowMs(),
          usage_positions: usage.map(({ position }) => position),
          inbox_positions: accounts.map(({ position }) => position),
          usage_watermark: Math.max(...usage.map(({ watermark }) => watermark)),
          accounts_now: Math.max(...accounts.map(({ now }) => now)),
        },
      ],
      growing: null,
    })
  }

  #straySource(): { topic: string; partitions: number } {
    return { topic: this.#from.usageMetered, partitions: this.#layout.partitions }
  }

  #strayTarget(): { topic: string; partitions: number } {
    return { topic: this.#to.usageMetered, partitions: this.#partitions }
  }
}

/** Writes what is moved, a bounded number of records at a time. */
class MovedBatch {
  readonly #writer: TransactionalWriter
  #records: TopicAppend[] = []
  #bytes = 0

  constructor(writer: TransactionalWriter) {
    this.#writer = writer
  }

  async add(record: TopicAppend): Promise<void> {
    this.#records.push(record)
    this.#bytes += record.value?.length ?? 0
    if (this.#records.length >= MOVED_RECORDS_MAX || this.#bytes >= MOVED_BYTES_MAX) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#records.length === 0) return
    const records = this.#records
    this.#records = []
    this.#bytes = 0
    await this.#writer.commit(records)
  }
}

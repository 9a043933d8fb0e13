import { aggregatorTaskCodec } from '../../../schemas/avro.ts'
import type { AggregatorTask } from '../../../schemas/records.ts'
import type {
  Check,
  CheckCounts,
  NewestTasks,
  PartitionCheck,
  VerifiedVersion,
  VerifyRun,
  VersionCheck,
} from '../check.ts'
import { NOTHING_UNDECIDED, countOf, readLetters, readUndecided } from '../undecided.ts'
import { compareUsage } from './compare.ts'
import type { UsageResult } from './compare.ts'
import { compareWindows } from './compare-windows.ts'
import { readHandedOver } from './handed-over.ts'
import { copiesOf } from './model.ts'
import { ModelVersions } from './model-tables.ts'
import { SentOn } from './sent-on.ts'
import { UsageTables } from './tables.ts'
import { UsageEnd } from './version-end.ts'

/** The sums of what was compared, over all versions so far. */
interface UsageTally {
  windows: number
  costs: number
  undecided: number
  /** Windows that took in more while the comparison ran and were left out. */
  moving: number
}

/** Compares usage.metered with raw events, windows, letters and what the accounts got. */
export class UsageCheck implements Check {
  readonly name = 'usage'
  readonly reads = ['usageMetered', 'usageIds', 'accountInbox'] as const
  readonly task = {
    state: 'usageIds',
    blocks: 'usageBlocks',
    nextSeqOf: (record: Buffer): number => aggregatorTaskCodec.decode(record).next_seq,
  } as const
  readonly #run: VerifyRun
  readonly #models: ModelVersions
  readonly #tally: UsageTally = { windows: 0, costs: 0, undecided: 0, moving: 0 }
  #before: UsageEnd | null = null

  constructor(run: VerifyRun) {
    this.#run = run
    this.#models = new ModelVersions(() => run.recordsOf('models'))
  }

  begin(version: VerifiedVersion): VersionCheck {
    const before = this.#before
    const end = this.#endOf(version)
    return new UsageOfVersion({
      run: this.#run,
      models: this.#models,
      tally: this.#tally,
      version,
      before,
      end,
    })
  }

  passOver(version: VerifiedVersion): Promise<void> {
    this.#endOf(version)
    return Promise.resolve()
  }

  finish(): CheckCounts {
    const { windows, costs, undecided, moving } = this.#tally
    return {
      compared: [
        [windows, 'windows'],
        [costs, 'costs'],
      ],
      undecided,
      otherwise: [],
      leftOut: moving === 0 ? [] : [`${moving} windows took in more meanwhile and were left out`],
    }
  }

  #endOf({ topics, ended }: VerifiedVersion): UsageEnd {
    this.#before = new UsageEnd(this.#before, topics.usageBlocks, ended)
    return this.#before
  }
}

interface OfVersionParts {
  readonly run: VerifyRun
  readonly models: ModelVersions
  readonly tally: UsageTally
  readonly version: VerifiedVersion
  readonly before: UsageEnd | null
  readonly end: UsageEnd
}

class UsageOfVersion implements VersionCheck {
  readonly #parts: OfVersionParts
  readonly #rows: UsageTables
  readonly #sentOn: SentOn

  constructor(parts: OfVersionParts) {
    const { run, version } = parts
    this.#parts = parts
    this.#rows = new UsageTables(run.tables)
    this.#sentOn = new SentOn(version.topics.usageMetered, version.partitions)
  }

  find(partition: number, newest: NewestTasks): Promise<PartitionCheck | null> {
    const { run, version } = this.#parts
    const record = newest.get('usageIds') ?? null
    if (record === null) {
      run.say(`partition ${partition}: no usage was ever committed`)
      return Promise.resolve(null)
    }
    const task = aggregatorTaskCodec.decode(record)
    return Promise.resolve({
      blocks: { topic: version.topics.usageBlocks, partition, seqBelow: task.next_seq },
      watermarkMs: task.watermark,
      compare: () => this.#compare(partition, task),
    })
  }

  async #compare(partition: number, task: AggregatorTask): Promise<void> {
    const { run, models, version, tally, before, end } = this.#parts
    const { tables, differences, signal } = run
    const { logs, topics, partitions } = version
    const nowMs = run.clock.nowMs()
    const range = await logs.range('usageMetered', partition)
    const blocks = { topic: topics.usageBlocks, partition, seqBelow: task.next_seq }
    const undecided = await readUndecided(tables, blocks, topics.usageMetered)
    tally.undecided += countOf(undecided)
    // An event that a closed topic took could not be sent on.
    const notSentOn = version.isClosed
      ? await readLetters(tables, blocks, topics.usageMetered, 'wrong_partition')
      : NOTHING_UNDECIDED
    const read = { start: range.start, end: task.position }
    const handedOver = await readHandedOver(logs, partition, read, differences)
    const usage = await compareUsage(
      {
        logs,
        tables,
        rows: this.#rows,
        differences,
        signal,
        nowMs,
        partition,
        partitions,
        begin: before?.begin() ?? null,
        undecided,
        notSentOn,
        sentOn: this.#sentOn,
        idKey: run.idKey,
        models,
      },
      range,
      task,
      handedOver,
    )
    const windows = await compareWindows(
      { rows: this.#rows, differences, signal, nowMs },
      blocks,
      usage.windows,
      usage.wholeFromMs,
    )
    end.add(task, usage.contents)
    tally.windows += windows.compared
    tally.moving += windows.moving
    tally.costs += usage.costs
    run.say(`partition ${partition}: ${reach(topics.usageMetered, range.start, task.position, usage)}`)
  }

  async end(): Promise<void> {
    const { run, version } = this.#parts
    const topic = version.topics.usageMetered
    await this.#sentOn.compare(version.logs, run.differences, (partition, record) =>
      copiesOf(record, partition, { topic, idKey: run.idKey }),
    )
  }
}

/** The range in which a partition was compared, in words. */
function reach(
  topic: string,
  start: bigint,
  position: number,
  { startMs, wholeFromMs }: UsageResult,
): string {
  const log = `${topic} from offset ${start} to ${position}`
  if (startMs === null) return `${log}, empty`
  const since = `${log}, received since ${new Date(startMs).toISOString()}`
  if (start === 0n) return since
  return `${since}; earlier records are gone, windows are compared from ${new Date(wholeFromMs).toISOString()}`
}

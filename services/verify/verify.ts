import type { Clock } from '../../pipelines/clock.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import { compareAccounts } from './compare-accounts.ts'
import { compareUsage } from './compare-usage.ts'
import { compareWindows } from './compare-windows.ts'
import type { Differences } from './differences.ts'
import { isLogNewEnough } from './fit.ts'
import type { EndedVersion } from '../../schemas/records.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import { VersionEnd } from './version-end.ts'
import type { VersionBegin } from './version-end.ts'
import { findHorizon } from './horizon.ts'
import type { Horizon } from './horizon.ts'
import { readInbox } from './inbox.ts'
import type { Logs } from './logs.ts'
import type { ModelVersions } from './model-tables.ts'
import type { Blocks, Tables } from './tables.ts'
import { SentOn } from './sent-on.ts'
import { NOTHING_UNDECIDED, countOf, readLetters, readUndecided } from './undecided.ts'
import { copiesOf } from './usage-model.ts'
import { Wallets } from './wallets.ts'

/** One version of the topics; of a version whose topics were deleted there are no logs. */
export interface VerifiedVersion {
  readonly partitions: number
  readonly topics: Readonly<Record<TopicRole, string>>
  readonly logs: Logs | null
  /** Null for the version in force. */
  readonly ended: EndedVersion | null
  /** It is being drained for one of more partitions. */
  readonly isEnding?: boolean
}

export interface VerifyParts {
  /** Oldest first. */
  readonly versions: readonly VerifiedVersion[]
  readonly tables: Tables
  readonly differences: Differences
  readonly clock: Clock
  /** See `HorizonParts`. */
  readonly catchUpMs: number
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** The installation's id key, which proves receipts; asked for where a record has such a proof. */
  readonly idKey: () => Buffer
  readonly models: ModelVersions
}

/** What the comparison of one version needs beside that. */
interface VersionParts extends VerifyParts {
  readonly logs: Logs
  readonly partitions: number
  readonly isInForce: boolean
  /** Its topic takes nothing more, or took nothing more at its end: what should have been sent on is a letter then. */
  readonly isClosed: boolean
  readonly sentOn: SentOn
  readonly begin: VersionBegin | null
  readonly end: VersionEnd
}

/** What was compared. */
export interface VerifyCounts {
  windows: number
  costs: number
  accounts: number
  wallets: number
  /** Accounts that are older than account.inbox. */
  older: number
  /** Events, commands and heartbeats that a task set aside since it could not decide them. */
  undecided: number
  /** Windows that took in more while the comparison ran and were left out. */
  moving: number
}

/** Works everything out again from the logs, version by version, and compares it with what is stored. */
export async function verify(parts: VerifyParts): Promise<VerifyCounts> {
  const counts: VerifyCounts = {
    windows: 0,
    costs: 0,
    accounts: 0,
    wallets: 0,
    older: 0,
    undecided: 0,
    moving: 0,
  }
  const wallets = new Wallets()
  let before: VersionEnd | null = null
  for (const version of parts.versions) {
    const { logs, partitions, ended, topics } = version
    const end = new VersionEnd(before, topics, ended)
    if (logs === null) {
      parts.say(
        `${topics.usageMetered} and what belongs to it was deleted: rows of that version are not compared`,
      )
      await addEntries(parts, version, wallets)
    } else {
      const begin = before === null ? null : before.beginOf(partitions)
      const isInForce = ended === null
      const isClosed = !isInForce || version.isEnding === true
      const sentOn = new SentOn(topics.usageMetered, partitions)
      const own = { logs, partitions, isInForce, isClosed, sentOn, begin, end }
      await verifyVersion({ ...parts, ...own }, wallets, counts)
    }
    before = end
  }
  counts.wallets = wallets.compare(parts.differences)
  return counts
}

/** Balances are of all versions: what one paid counts though its logs are gone. */
async function addEntries(
  { tables }: VerifyParts,
  { partitions, topics }: VerifiedVersion,
  wallets: Wallets,
): Promise<void> {
  for (let partition = 0; partition < partitions; partition += 1) {
    const blocks = { topic: topics.settlementBlocks, partition, seqBelow: Number.MAX_SAFE_INTEGER }
    for await (const row of tables.ledger(blocks)) {
      wallets.addEntry(String(row['wallet_id']), BigInt(String(row['amount_micro_spark'])))
    }
  }
}

async function verifyVersion(parts: VersionParts, wallets: Wallets, counts: VerifyCounts): Promise<void> {
  for (let partition = 0; partition < parts.partitions; partition += 1) {
    parts.signal.throwIfAborted()
    if (!(await isLogNewEnough(parts, partition))) continue
    const horizon = await findHorizon(parts, partition)
    if (horizon === null) parts.say(`partition ${partition}: no usage was ever committed`)
    else await verifyPartition(parts, partition, horizon, wallets, counts)
  }
  const topic = parts.logs.topics.usageMetered
  await parts.sentOn.compare(parts.logs, parts.differences, (partition, record) =>
    copiesOf(record, partition, { topic, idKey: parts.idKey }),
  )
}

async function verifyPartition(
  parts: VersionParts,
  partition: number,
  horizon: Horizon,
  wallets: Wallets,
  counts: VerifyCounts,
): Promise<void> {
  const { logs, tables, differences, signal, say, partitions, isInForce, begin, end } = parts
  const nowMs = parts.clock.nowMs()
  const range = await logs.range('usageMetered', partition)
  const carried = begin?.accounts.get(partition) ?? null
  const usageBlocks = { topic: logs.topics.usageBlocks, partition }
  const usageBelow = { ...usageBlocks, seqBelow: horizon.usage.next_seq }
  const blocks = { topic: logs.topics.settlementBlocks, partition, seqBelow: horizon.accounts.next_seq }
  const inboxTopic = logs.topics.accountInbox
  const undecidedUsage = await readUndecided(tables, usageBelow, logs.topics.usageMetered)
  const undecidedInbox = await readUndecided(tables, blocks, inboxTopic)
  const notSentOn = parts.isClosed
    ? await readLetters(tables, usageBelow, logs.topics.usageMetered, 'wrong_partition')
    : NOTHING_UNDECIDED
  counts.undecided += countOf(undecidedUsage) + countOf(undecidedInbox)
  const inbox = await readInbox(logs, partition, horizon, range.start, differences, carried, undecidedInbox)

  const usageParts = {
    logs,
    tables,
    differences,
    signal,
    nowMs,
    partitions,
    begin: begin?.usage ?? null,
    undecided: undecidedUsage,
    notSentOn,
    sentOn: parts.sentOn,
    idKey: parts.idKey,
    models: parts.models,
  }
  const usage = await compareUsage(usageParts, partition, range, horizon, inbox.handedOver)
  const windowParts = { tables, differences, signal, nowMs }
  const windows = await compareWindows(
    windowParts,
    usageBlocks,
    horizon.usage.next_seq,
    usage.windows,
    usage.wholeFromMs,
  )
  const compared = await compareAccounts(
    { tables, differences, wallets, inboxTopic, carried: carried?.accounts ?? new Map(), isInForce },
    blocks,
    inbox,
    horizon.state,
  )

  const inboxWatermarkMs = Math.max(0, horizon.accounts.now - WATERMARK_DELAY_MS)
  await compareWatermark(parts, usageBlocks, horizon.usage.next_seq, horizon.usage.watermark)
  await compareWatermark(parts, blocks, horizon.accounts.next_seq, inboxWatermarkMs)

  end.add(horizon, usage.contents, isInForce)
  counts.windows += windows.compared
  counts.moving += windows.moving
  counts.costs += usage.costs
  counts.accounts += isInForce ? compared.fromZero + compared.older : 0
  counts.older += isInForce ? compared.older : 0
  say(`partition ${partition}: ${reach(logs, horizon, range.start, usage.startMs, usage.wholeFromMs)}`)
}

/** Compares a row of `watermarks`, as long as nothing newer has been loaded over it. */
async function compareWatermark(
  { tables, differences }: VerifyParts,
  { topic, partition }: Blocks,
  nextSeq: number,
  watermarkMs: number,
): Promise<void> {
  const found = await tables.loaded({ topic, partition })
  if (found.lastSeq !== nextSeq - 1) return
  const expected = { watermark: watermarkMs }
  differences.compareRow('watermarks', `${topic} partition ${partition}`, expected, {
    watermark: found.watermarkMs,
  })
}

/** From where to where a partition was compared, in words. */
function reach(
  logs: Logs,
  horizon: Horizon,
  start: bigint,
  startMs: number | null,
  wholeFromMs: number,
): string {
  const log = `${logs.topics.usageMetered} from offset ${start} to ${horizon.usage.position}`
  if (startMs === null) return `${log}, empty`
  const since = `${log}, received since ${new Date(startMs).toISOString()}`
  if (start === 0n) return since
  return `${since}; earlier records are gone, windows are compared from ${new Date(wholeFromMs).toISOString()}`
}

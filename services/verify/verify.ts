import type { Clock } from '../../pipelines/clock.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import { compareAccounts } from './compare-accounts.ts'
import { compareUsage } from './compare-usage.ts'
import { compareWindows } from './compare-windows.ts'
import type { Differences } from './differences.ts'
import { isLogNewEnough } from './fit.ts'
import { findHorizon } from './horizon.ts'
import type { Horizon } from './horizon.ts'
import { readInbox } from './inbox.ts'
import type { Logs } from './logs.ts'
import type { Blocks, Tables } from './tables.ts'
import { Wallets } from './wallets.ts'

export interface VerifyParts {
  readonly logs: Logs
  readonly tables: Tables
  readonly differences: Differences
  readonly partitions: number
  readonly clock: Clock
  /** See `HorizonParts`. */
  readonly catchUpMs: number
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** What was compared. */
export interface VerifyCounts {
  windows: number
  costs: number
  accounts: number
  wallets: number
  /** Accounts that are older than account.inbox. */
  older: number
  /** Windows that took in more while the comparison ran and were left out. */
  moving: number
}

/** Works everything out again from the logs, partition by partition, and compares it with what is stored. */
export async function verify(parts: VerifyParts): Promise<VerifyCounts> {
  const counts: VerifyCounts = { windows: 0, costs: 0, accounts: 0, wallets: 0, older: 0, moving: 0 }
  const wallets = new Wallets()
  for (let partition = 0; partition < parts.partitions; partition += 1) {
    parts.signal.throwIfAborted()
    if (!(await isLogNewEnough(parts, partition))) continue
    const horizon = await findHorizon(parts, partition)
    if (horizon === null) parts.say(`partition ${partition}: no usage was ever committed`)
    else await verifyPartition(parts, partition, horizon, wallets, counts)
  }
  counts.wallets = wallets.compare(parts.differences)
  return counts
}

async function verifyPartition(
  parts: VerifyParts,
  partition: number,
  horizon: Horizon,
  wallets: Wallets,
  counts: VerifyCounts,
): Promise<void> {
  const { logs, tables, differences, signal, say, partitions } = parts
  const nowMs = parts.clock.nowMs()
  const range = await logs.range('usageMetered', partition)
  const inbox = await readInbox(logs, partition, horizon, range.start, differences)

  const usageParts = { logs, tables, differences, signal, nowMs, partitions }
  const usage = await compareUsage(usageParts, partition, range, horizon, inbox.handedOver)
  const usageBlocks = { topic: logs.topics.usageBlocks, partition }
  const windowParts = { tables, differences, signal, nowMs }
  const windows = await compareWindows(
    windowParts,
    usageBlocks,
    horizon.usage.next_seq,
    usage.windows,
    usage.wholeFromMs,
  )
  const blocks = { topic: logs.topics.settlementBlocks, partition, seqBelow: horizon.accounts.next_seq }
  const inboxTopic = logs.topics.accountInbox
  const compared = await compareAccounts(
    { tables, differences, wallets, inboxTopic },
    blocks,
    inbox,
    horizon.state,
  )

  const inboxWatermarkMs = Math.max(0, horizon.accounts.now - WATERMARK_DELAY_MS)
  await compareWatermark(parts, usageBlocks, horizon.usage.next_seq, horizon.usage.watermark)
  await compareWatermark(parts, blocks, horizon.accounts.next_seq, inboxWatermarkMs)

  counts.windows += windows.compared
  counts.moving += windows.moving
  counts.costs += usage.costs
  counts.accounts += compared.fromZero + compared.older
  counts.older += compared.older
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

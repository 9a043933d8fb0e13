import type { Check, CheckCounts, PartitionCheck, VerifiedVersion, VerifyRun, VersionCheck } from './check.ts'
import { newestTasks } from './fit.ts'
import { CatchUp } from './horizon.ts'

/** What is compared with what, version by version. */
export interface VerifyParts {
  readonly run: VerifyRun
  readonly checks: readonly Check[]
  /** Oldest first. */
  readonly versions: readonly VerifiedVersion[]
  /** Names of the topics that exist. */
  readonly present: ReadonlySet<string>
}

/** A check that compares a version, and the check's part for that version. */
interface Begun {
  readonly check: Check
  readonly ofVersion: VersionCheck
}

/**
 * Works everything out again from the logs and compares it with what is stored. Returns what each check has compared.
 * Throws an ExitError that names the service that does not advance.
 */
export async function verify({
  run,
  checks,
  versions,
  present,
}: VerifyParts): Promise<readonly CheckCounts[]> {
  for (const version of versions) {
    const isThere = ({ reads }: Check): boolean => reads.every((role) => present.has(version.topics[role]))
    const gone = checks.find((check) => !isThere(check))
    if (gone !== undefined) {
      const topic = version.topics[gone.reads[0]]
      run.say(`${topic} and what belongs to it was deleted: rows of that version are not compared`)
    }
    const begun: Begun[] = []
    for (const check of checks) {
      if (isThere(check)) begun.push({ check, ofVersion: check.begin(version) })
      else await check.passOver(version)
    }
    for (let partition = 0; partition < version.partitions && begun.length > 0; partition += 1) {
      run.signal.throwIfAborted()
      await verifyPartition(run, version, begun, partition)
    }
    for (const { ofVersion } of begun) await ofVersion.end?.()
  }
  return checks.map((check) => check.finish())
}

async function verifyPartition(
  run: VerifyRun,
  { logs }: VerifiedVersion,
  begun: readonly Begun[],
  partition: number,
): Promise<void> {
  const tasks = begun.map(({ check }) => check.task)
  const newest = await newestTasks(run, logs, tasks, partition)
  if (newest === null) return
  const catchUp = new CatchUp(run)
  const found: PartitionCheck[] = []
  for (const { ofVersion } of begun) {
    const one = await ofVersion.find(partition, newest, catchUp)
    if (one !== null) found.push(one)
  }
  for (const { blocks } of found) await catchUp.untilLoaded(run.tables, blocks)
  for (const one of found) await one.compare()
  for (const one of found) await compareWatermark(run, one)
}

/** Compares a row of `watermarks`, as long as nothing newer has been loaded over it. */
async function compareWatermark(
  { tables, differences }: VerifyRun,
  { blocks: { topic, partition, seqBelow }, watermarkMs }: PartitionCheck,
): Promise<void> {
  const found = await tables.loaded({ topic, partition })
  if (found.lastSeq !== seqBelow - 1) return
  const expected = { watermark: watermarkMs }
  differences.compareRow('watermarks', `${topic} partition ${partition}`, expected, {
    watermark: found.watermarkMs,
  })
}

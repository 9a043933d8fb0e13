import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { until } from '../../support/until.ts'
import type { Fleet } from '../harness/fleet.ts'
import type { Verdict } from '../harness/report.ts'

const CHECKER = fileURLToPath(new URL('../checker/main.ts', import.meta.url))
const CHECKER_OUTPUT_BYTES_MAX = 64 * 1_048_576

/** Memory for the history of some millions of events, and their rows. */
const CHECKER_HEAP_MB = 8_192

/** Time for some millions of events. */
const VERIFY_MS_MAX = 1_800_000

/** How long followers may take to have what their leaders have, once nothing is written any more. */
const ALIKE_MS_MAX = 120_000

/** The verdict where the checker could not finish: nothing is known, so nothing is 0. */
const NO_VERDICT: Verdict = { events: 0, unknown: 0, lost: 1, countedTwice: 1, paidTwice: 1, differences: 1 }

/** Lets checker and `verify` judge a run whose services have stopped; what they find is added to `failures` as well. */
export async function judge(
  fleet: Fleet,
  dir: string,
  say: (line: string) => void,
  failures: string[],
): Promise<Verdict> {
  await untilAlike(fleet).catch((error: unknown) => failures.push(String(error)))
  const verdict = await check(fleet, dir, say, failures)
  const verify = await fleet.installation.command('verify', [], VERIFY_MS_MAX)
  say(`verify: ${verify.output.trimEnd().split('\n').at(-1)}`)
  if (verify.exitCode !== 0)
    failures.push(`verify ended with ${verify.exitCode}: ${verify.output.slice(0, 2_000)}`)
  return verdict
}

async function check(
  fleet: Fleet,
  dir: string,
  say: (line: string) => void,
  failures: string[],
): Promise<Verdict> {
  const { installation, kafka, clickhouse } = fleet
  const args = ['--history', dir, '--brokers', kafka.addresses.join(','), '--clickhouse-url', clickhouse.url]
  args.push('--database', installation.database, '--prefix', installation.prefix)
  args.push('--partitions', String(installation.partitions))
  args.push('--log-dirs', kafka.brokers.map(({ logDir }) => logDir).join(','))
  const output = await promisify(execFile)(
    process.execPath,
    [`--max-old-space-size=${CHECKER_HEAP_MB}`, CHECKER, ...args],
    { maxBuffer: CHECKER_OUTPUT_BYTES_MAX },
  ).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; stderr?: string }) => {
      const stdout = error.stdout ?? ''
      if (!stdout.trimEnd().split('\n').at(-1)?.startsWith('{'))
        failures.push(`the checker failed: ${error.stderr}`)
      return stdout
    },
  )
  const lines = output.trimEnd().split('\n')
  for (const line of lines) say(`checker: ${line}`)
  const last = lines.at(-1) ?? ''
  const verdict = (last.startsWith('{') ? JSON.parse(last) : NO_VERDICT) as Verdict
  if (verdict.differences > 0) failures.push(`${verdict.differences} differences; see the checker's lines`)
  return verdict
}

/** Waits until every broker's disk has as many bytes of usage.metered as the others'. */
async function untilAlike({ kafka, installation }: Fleet): Promise<void> {
  const { usageMetered } = installation.topics
  const partitions = Array.from({ length: installation.partitions }, (_, partition) => partition)
  let sizes: string[] = []
  await until(
    'all replicas of usage.metered to have the same',
    ALIKE_MS_MAX,
    async () => {
      sizes = await Promise.all(
        kafka.brokers.map(async ({ logDir }) => {
          const dirs = partitions.map((partition) => join(logDir, `${usageMetered}-${partition}`))
          return (await Promise.all(dirs.map(logBytes))).join(',')
        }),
      )
      return new Set(sizes).size === 1
    },
    () => sizes.join('\n'),
  )
}

async function logBytes(dir: string): Promise<number> {
  const segments = (await readdir(dir)).filter((name) => name.endsWith('.log'))
  const sizes = await Promise.all(segments.map(async (name) => (await stat(join(dir, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Turn } from '../harness/child-report.ts'
import { dearest, selfTimes, stageShares } from '../harness/cpu-profile.ts'
import type { Stage } from '../harness/cpu-profile.ts'

const DEAREST = 14
const SHARE_MIN = 0.005

/** What both tasks spend time on apart from their own stages. avsc makes functions that have a name and no file. */
const AVRO = String.raw`\/schemas\/avro\.ts|\/avsc\/|^(read|write|skip)[A-Z]\w*$`
const BLOCKS = String.raw`\/pipelines\/(blocks|load)\/|\/schemas\/(native\/|(rowbinary|tables)\.ts)|node:(internal\/)?zlib`
const AROUND: readonly Stage[] = [
  ['kafka', /\/pipelines\/kafka\/|\/kafkajs\/|\/(lz4-napi|snappy|@node-rs)\/|node:(net|internal\/stream)/],
  ['start', /\/wasm\/|^wasm|node:internal\/(modules|deps|bootstrap|fs)|^(internalModuleStat|dlopen|lstat)$/],
  ['task', /\/pipelines\/|\/schemas\/|\/test\//],
  ['node', /^node:|\/node_modules\//],
  ['gc', /^\(garbage collector\)/],
  ['native', /^/],
]

/** An event's way through the aggregator. */
export const AGGREGATOR_STAGES: readonly Stage[] = [
  ['decode', /\/pipelines\/(usage\/decode|windows\/dictionary)\.ts/],
  ['dedupe', /\/pipelines\/(dedupe\/|usage\/old-ids)/],
  ['sums', /\/pipelines\/(windows\/deltas|usage\/(count|model-tables))\.ts/],
  ['blocks', new RegExp(String.raw`\/pipelines\/usage\/(blocks|event-block|delta-block)\.ts|${BLOCKS}`)],
  [
    'hand-over',
    new RegExp(String.raw`\/pipelines\/usage\/(hand-over|inbox-bytes)\.ts|\/schemas\/avro-bytes\.ts|${AVRO}`),
  ],
  ...AROUND,
]

/** A cost's way through the settler; `avro` is reading the inbox and writing the accounts. */
export const SETTLER_STAGES: readonly Stage[] = [
  ['avro', new RegExp(AVRO)],
  ['blocks', new RegExp(String.raw`\/pipelines\/account\/blocks\.ts|${BLOCKS}`)],
  ['account', /\/pipelines\/account\//],
  ['ledger ids', /\/schemas\/ids\.ts|node:internal\/crypto/],
  ...AROUND,
]

/**
 * Where a turn spends its time, in words: the busy time of its main thread by stage, and what other threads (packing,
 * garbage collection) add. Prints the most expensive functions.
 */
export async function profileTurn(
  run: (nodeFlags: readonly string[]) => Promise<Turn>,
  stages: readonly Stage[],
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'hivemeter-profile-'))
  try {
    const file = 'turn.cpuprofile'
    const turn = await run(['--cpu-prof', `--cpu-prof-dir=${dir}`, `--cpu-prof-name=${file}`])
    const times = selfTimes(join(dir, file))
    console.log(dearest(times, DEAREST))
    const mainSeconds = times.reduce((sum, { ms }) => sum + ms, 0) / 1_000
    const parts = [...stageShares(times, stages)]
      .filter(([, share]) => share >= SHARE_MIN)
      .map(([stage, share]) => `${stage} ${(share * 100).toFixed(0)} %`)
    return `${parts.join(', ')}; ${mainSeconds.toFixed(1)} s of it, ${turn.cpuSeconds.toFixed(1)} CPU-s with all threads`
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COMPILE_CACHE } from '../infra/local/services.ts'
import { systemClock } from '../pipelines/clock.ts'
import { startStack } from './support/servers/stack.ts'

// One stack for the whole run: tests are kept apart by names of their own (topic prefix, database), not by servers.
const PORTS = { kafka: 26_920, kafkaController: 26_921, clickhouse: 26_923 }
/** One more than the cores that the tests are made for: many of them wait for a server most of their time. */
const CONCURRENCY = 3
/**
 * Three brokers and ten services, a whole installation that starts, services that are killed and started again all the
 * time: these tests need the machine for themselves and run after the others, one after the other.
 */
const ALONE: ReadonlySet<string> = new Set([
  'test/faults/cluster.test.ts',
  'test/lanes/kill.test.ts',
  'test/integration/supervisor.test.ts',
])
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const REPORTER = fileURLToPath(new URL('./support/reporter.ts', import.meta.url))
const NOT_OURS = (name: string) => name === 'node_modules' || name.startsWith('.')
/**
 * Tests that take more minutes than every change should wait for: run by name, and by .ci/run; `npm run clients` fetches
 * what it runs. The fixture's pipeline is tested in the copy that a lane makes.
 */
const LANES = ['test/lanes/', 'test/clients/', 'test/fixtures/pipeline/']

/** Arguments are file patterns; options (--test-name-pattern …) are passed to node unchanged. */
function testFiles(patterns: readonly string[]): string[] {
  const found =
    patterns.length > 0
      ? globSync([...patterns], { cwd: ROOT, exclude: NOT_OURS })
      : globSync('**/*.test.ts', { cwd: ROOT, exclude: NOT_OURS }).filter(
          (file) => !LANES.some((lane) => file.startsWith(lane)),
        )
  return found.filter((file) => file.endsWith('.test.ts')).sort()
}

function runNode(
  options: readonly string[],
  files: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const args = [
    '--test',
    `--test-concurrency=${CONCURRENCY}`,
    `--test-reporter=${REPORTER}`,
    ...options,
    ...files.map((file) => resolve(ROOT, file)),
  ]
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: environment,
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolveCode, reject) => {
    child.once('error', reject).once('close', (code) => resolveCode(code ?? 1))
  })
}

async function run(): Promise<number> {
  const given = process.argv.slice(2)
  const options = given.filter((argument) => argument.startsWith('-'))
  const patterns = given.filter((argument) => !argument.startsWith('-'))
  const files = testFiles(patterns)
  if (files.length === 0) {
    process.stderr.write(`hivemeter: no test file matches ${patterns.join(' ')}.\n`)
    return 2
  }
  const startMs = systemClock.monotonicMs()
  const stack = await startStack(process.env, PORTS)
  try {
    const tookS = ((systemClock.monotonicMs() - startMs) / 1000).toFixed(1)
    process.stdout.write(
      `Testing ${files.length} files against ${stack.source}: Kafka ${stack.brokers.join(',')}, ClickHouse ${stack.clickhouseUrl} (${tookS} s)\n`,
    )
    const environment = {
      ...COMPILE_CACHE,
      ...process.env,
      HIVEMETER_KAFKA_BROKERS: stack.brokers.join(','),
      HIVEMETER_CLICKHOUSE_URL: stack.clickhouseUrl,
    }
    const beside = files.filter((file) => !ALONE.has(file))
    const turns = [
      ...(beside.length > 0 ? [beside] : []),
      ...files.filter((file) => ALONE.has(file)).map((file) => [file]),
    ]
    let exitCode = 0
    for (const turn of turns) exitCode ||= await runNode(options, turn, environment)
    return exitCode
  } finally {
    await stack.stop()
  }
}

process.exit(await run())

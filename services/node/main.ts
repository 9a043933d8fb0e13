import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../pipelines/clock.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { describeError, EXIT, ExitError, exitCodeOf } from '../runtime/exit.ts'
import type { ExitCode } from '../runtime/exit.ts'
import { createLogger } from '../runtime/logger.ts'
import { Agent } from './agent.ts'
import { loadAgentConfig } from './config/agent-config.ts'
import type { AgentConfig } from './config/agent-config.ts'
import { processStart, takeState } from './one-process.ts'
import { normaliseFile } from './normalise-file.ts'
import { enrol, KEY, readEnrolled } from './send/enrol.ts'
import type { Enrolled } from './send/enrol.ts'
import { nodeDisk } from './spool/node-disk.ts'
import type { Disk } from './spool/disk.ts'
import { readBoot } from './time/read-boot.ts'

const USAGE =
  'Usage: npm run node -- --config FILE [--keep-raw FOLDER], or npm run --silent node -- --normalise FILE'

interface Arguments {
  readonly config?: string | undefined
  readonly normalise?: string | undefined
  readonly 'keep-raw'?: string | undefined
}

function argumentsGiven(): Arguments {
  try {
    return parseArgs({
      options: {
        config: { type: 'string' },
        normalise: { type: 'string' },
        'keep-raw': { type: 'string' },
      },
      strict: true,
    }).values
  } catch (error) {
    throw new ExitError(EXIT.usage, `${describeError(error)}\n${USAGE}`)
  }
}

/** The first signal to end, or the end of a supervisor that holds standard input: its exit code. */
function ending(signal: AbortController): Promise<ExitCode> {
  return new Promise((done) => {
    const end = (code: ExitCode): void => {
      signal.abort()
      done(code)
    }
    process.once('SIGTERM', () => end(EXIT.ok))
    process.once('SIGINT', () => end(EXIT.interrupted))
  })
}

async function keyOf(
  config: AgentConfig,
  state: Disk,
  logger: Logger,
  signal: AbortSignal,
): Promise<Enrolled | null> {
  const { keyFile, node, token, gatewayUrl, nodeName } = config
  if (keyFile !== null && node !== null) return { ...node, key: keyIn(keyFile) }
  const kept = await readEnrolled(state)
  if (kept !== null) return kept
  if (token === null) {
    throw new ExitError(
      EXIT.configuration,
      'This node has no key. Give it a one-time "token", or a "keyFile" with "node", in its file.',
    )
  }
  const parts = { gatewayUrl, token, nodeName, disk: state, clock: systemClock, random: systemRandom, logger }
  return await enrol(parts, signal)
}

function keyIn(file: string): string {
  try {
    const key = readFileSync(file, 'utf8').trim()
    if (KEY.test(key)) return key
  } catch (error) {
    throw new ExitError(EXIT.configuration, `The keyFile ${file} cannot be read: ${describeError(error)}.`)
  }
  throw new ExitError(
    EXIT.configuration,
    `The keyFile ${file} holds no key: one line, as npm run keys gave it.`,
  )
}

function arpTable(): string {
  try {
    return readFileSync('/proc/net/arp', 'utf8')
  } catch {
    return ''
  }
}

async function work(path: string, rawFolder: string | undefined): Promise<ExitCode> {
  const config = loadAgentConfig(path)
  const logger = await createLogger('node', 'info')
  for (const warning of config.warnings) logger.warn({}, warning)
  const stopping = new AbortController()
  const end = ending(stopping)
  const state = await nodeDisk(config.stateFolder)
  const letGo = await takeState(state, process.pid, processStart)
  const enrolled = await keyOf(config, state, logger, stopping.signal)
  if (enrolled === null) {
    await letGo()
    return await end
  }
  const raw = rawFolder === undefined ? config.keepRaw : resolve(rawFolder)
  const agent = await Agent.start({
    config,
    enrolled,
    disks: {
      state,
      spool: await nodeDisk(join(config.stateFolder, 'spool')),
      refused: await nodeDisk(join(config.stateFolder, 'refused')),
      raw: raw === null ? null : await nodeDisk(raw),
    },
    boot: readBoot(systemClock, systemRandom),
    readArp: arpTable,
    clock: systemClock,
    random: systemRandom,
    logger,
  })
  const code = await end
  await agent.stop()
  await letGo()
  return code
}

async function run({ config, normalise, 'keep-raw': rawFolder }: Arguments): Promise<ExitCode> {
  if (normalise !== undefined) {
    process.stdout.write(`${normaliseFile(normalise)}\n`)
    return EXIT.ok
  }
  if (config === undefined) throw new ExitError(EXIT.usage, `Nothing to do. ${USAGE}`)
  return await work(config, rawFolder)
}

try {
  const given = argumentsGiven()
  process.exitCode = await run(given)
  // Connections that are kept for later use must not delay the end; the output of --normalise has yet to be taken.
  if (given.normalise === undefined) process.exit()
} catch (error) {
  const message = error instanceof ExitError ? error.message : describeError(error)
  for (const line of message.split('\n')) process.stderr.write(`hivemeter node: ${line}\n`)
  process.exitCode = exitCodeOf(error)
}

import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { loadSettings } from '../../services/runtime/config.ts'
import { EXIT, ExitError, describeError, exitCodeOf } from '../../services/runtime/exit.ts'
import { folderAt, folderProblem } from './folder.ts'
import { alreadyRuns, leftovers, runningSupervisor } from './take-folder.ts'

const USAGE = 'The only argument is --config <file.json>.'

/** Not data: a new download of the jars would give the same. */
const KEPT = /^kafka-jars$/

function configFile(): string | undefined {
  try {
    const { config } = parseArgs({ options: { config: { type: 'string' } }, strict: true }).values
    return config === undefined ? undefined : resolve(config)
  } catch (error) {
    throw new ExitError(EXIT.usage, `${describeError(error)}. ${USAGE}`)
  }
}

/** Removes what `npm start` has kept; refuses while a start runs on it and where the folder is not ours. */
function reset(): string {
  const { config, sources } = loadSettings({ file: configFile() })
  const folder = folderAt(config.dataDir)
  if (!existsSync(folder.root)) return `There is no data: ${folder.root} does not exist.`
  const supervisor = runningSupervisor(folder)
  if (supervisor !== undefined) throw alreadyRuns(folder, supervisor)
  const running = leftovers(folder)
  if (running.length > 0) {
    const named = running.map(({ name, pid }) => `${name} (process ${pid})`).join(', ')
    throw new ExitError(
      EXIT.failure,
      `Of an earlier start still run: ${named}. Wait 10 s for their end, then reset again.`,
    )
  }
  // A folder of a newer format is ours as well, and the user requested its removal.
  const problem = folderProblem(folder)
  if (problem !== undefined && !existsSync(folder.marker)) throw problem
  // The id key belongs to the topics: with a given Kafka they stay, and so does the key.
  const isKept = (name: string) =>
    KEPT.test(name) || (name === 'id.key' && sources.kafkaBrokers !== 'default')
  const forgotten = readdirSync(folder.root).filter((name) => !isKept(name))
  for (const name of forgotten) rmSync(join(folder.root, name), { recursive: true, force: true })
  const given = [
    ...(sources.kafkaBrokers === 'default' ? [] : [`Kafka at ${config.kafkaBrokers.join(', ')}`]),
    ...(sources.clickhouseUrl === 'default' ? [] : [`ClickHouse at ${config.clickhouseUrl}`]),
  ]
  const untouched = given.length === 0 ? '' : ` Not touched: ${given.join(' and ')}.`
  return `The data in ${folder.root} is forgotten (${forgotten.join(', ') || 'there was none'}).${untouched}`
}

try {
  process.stdout.write(`${reset()}\n`)
} catch (error) {
  const message = error instanceof ExitError ? error.message : describeError(error)
  for (const line of message.split('\n')) process.stderr.write(`hivemeter: ${line}\n`)
  process.exit(exitCodeOf(error))
}

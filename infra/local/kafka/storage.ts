import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EXIT, ExitError } from '../../../services/runtime/exit.ts'
import { serverProperties } from './properties.ts'
import type { KafkaPlace } from './properties.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'

const FORMAT_TIMEOUT_MS = MINUTE_MS

/** Where Kafka's files are in a data folder. */
export function kafkaFiles(dataDir: string): {
  root: string
  logDir: string
  properties: string
  meta: string
} {
  const root = join(dataDir, 'kafka')
  const logDir = join(root, 'data')
  return { root, logDir, properties: join(root, 'server.properties'), meta: join(logDir, 'meta.properties') }
}

/** Fails when the folder holds a broker's data whose meta.properties is missing or torn: formatting would lose the data. */
export function checkStorage(dataDir: string): void {
  const { logDir, meta } = kafkaFiles(dataDir)
  if (!existsSync(logDir) || readdirSync(logDir).length === 0) return
  const content = existsSync(meta) ? readFileSync(meta, 'utf8') : ''
  const missing = ['version', 'node.id', 'cluster.id', 'directory.id'].filter(
    (key) => !new RegExp(`^${key.replace('.', '\\.')}=\\S+$`, 'm').test(content),
  )
  if (missing.length === 0) return
  throw new ExitError(
    EXIT.failure,
    `Kafka's ${meta} is damaged: it names no ${missing.join(', ')}. ` +
      'Restore that file from a copy, or run npm run reset to forget the data.',
  )
}

/**
 * Formats the storage once. This happens in a separate folder that is then renamed, so an interrupted format leaves
 * nothing that looks like data.
 */
async function format(
  java: string,
  jarsDir: string,
  dataDir: string,
  place: KafkaPlace,
  further: readonly string[],
): Promise<void> {
  const { root, logDir } = kafkaFiles(dataDir)
  const fresh = join(root, 'data.new')
  rmSync(fresh, { recursive: true, force: true })
  const properties = join(root, 'format.properties')
  writeFileSync(properties, serverProperties({ ...place, logDir: fresh }))
  const clusterId = place.node?.clusterId ?? randomBytes(16).toString('base64url')
  // One argument: an id that begins with a dash would be taken for an option (one start in 64).
  const args = ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', join(jarsDir, '*')]
  args.push('kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', properties, ...further)
  try {
    await promisify(execFile)(java, args, { timeout: FORMAT_TIMEOUT_MS })
  } catch (error) {
    const words =
      error instanceof Error ? error.message.trim().split('\n').slice(-2).join(' ') : String(error)
    throw new ExitError(EXIT.failure, `Kafka could not format ${fresh}: ${words}`, { cause: error })
  }
  rmSync(properties)
  if (existsSync(logDir)) rmSync(logDir, { recursive: true })
  renameSync(fresh, logDir)
}

/** Makes the folder ready for the broker: checked, formatted if new, server.properties written for these ports. */
export async function prepareStorage(
  options: Omit<KafkaPlace, 'logDir'> & {
    readonly java: string
    readonly jarsDir: string
    readonly dataDir: string
    /** Further arguments of the format: users that must exist before the first connection. */
    readonly formatArguments?: readonly string[]
  },
): Promise<void> {
  const { java, jarsDir, dataDir, formatArguments = [], ...where } = options
  const { root, logDir, properties, meta } = kafkaFiles(dataDir)
  mkdirSync(root, { recursive: true })
  checkStorage(dataDir)
  const place = { ...where, logDir }
  if (!existsSync(meta)) await format(java, jarsDir, dataDir, place, formatArguments)
  writeFileSync(properties, serverProperties(place))
}

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { VERSION } from '../../schemas/version.ts'
import { LOCAL_PASSWORD_FILE } from '../../services/runtime/config.ts'
import { EXIT, ExitError } from '../../services/runtime/exit.ts'

/** Format of the data folder; raised when an older version could no longer read what is in it. */
export const FOLDER_FORMAT = 1

/** What other commands may have put there before the first start. */
const EARLIER = /^(kafka-jars.*|logs|(id|cursor)\.key)$/

/** Where things are in a data folder; all paths are absolute. */
export interface Folder {
  readonly root: string
  readonly marker: string
  readonly runFile: string
  readonly logs: string
  readonly kafka: string
  readonly clickhouse: string
  /** The file with the password of the ClickHouse of this folder. */
  readonly clickhousePassword: string
}

export function folderAt(dataDir: string): Folder {
  const root = resolve(dataDir)
  return {
    root,
    marker: join(root, 'hivemeter.json'),
    runFile: join(root, 'run.json'),
    logs: join(root, 'logs'),
    kafka: join(root, 'kafka'),
    clickhouse: join(root, 'clickhouse'),
    clickhousePassword: join(root, LOCAL_PASSWORD_FILE),
  }
}

function formatOf(folder: Folder): unknown {
  try {
    const marker = JSON.parse(readFileSync(folder.marker, 'utf8')) as { format?: unknown } | null
    return marker?.format
  } catch {
    return undefined
  }
}

/** What is wrong with the folder, if anything: it has foreign files, or data of a newer version. */
export function folderProblem(folder: Folder): ExitError | undefined {
  if (!existsSync(folder.root)) return undefined
  if (!existsSync(folder.marker)) {
    const foreign = readdirSync(folder.root).find((name) => !EARLIER.test(name))
    if (foreign === undefined) return undefined
    return new ExitError(
      EXIT.configuration,
      `The data folder ${folder.root} is not Hivemeter's: it holds "${foreign}" and no hivemeter.json. ` +
        'Set HIVEMETER_DATA_DIR to a new or empty folder.',
    )
  }
  const format = formatOf(folder)
  if (format === FOLDER_FORMAT) return undefined
  const found = typeof format === 'number' ? `has format ${format}` : 'has a damaged hivemeter.json'
  return new ExitError(
    EXIT.configuration,
    `The data folder ${folder.root} ${found}, but Hivemeter ${VERSION} reads format ${FOLDER_FORMAT}. ` +
      'Start the version that wrote it, or set HIVEMETER_DATA_DIR to another folder.',
  )
}

/** No other user of this machine may look into it: it holds keys, and the usage and money of all operators. */
const OWNER_ONLY = 0o700

/** Makes the folder and marks it as ours; a folder that is ours already gets the rights that it should have. */
export function claimFolder(folder: Folder): void {
  for (const path of [folder.root, folder.logs, folder.kafka, folder.clickhouse])
    mkdirSync(path, { recursive: true, mode: OWNER_ONLY })
  chmodSync(folder.root, OWNER_ONLY)
  if (existsSync(folder.marker)) return
  const draft = `${folder.marker}.draft`
  writeFileSync(draft, `${JSON.stringify({ format: FOLDER_FORMAT, made_by: VERSION })}\n`)
  renameSync(draft, folder.marker)
}

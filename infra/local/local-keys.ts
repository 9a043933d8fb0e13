import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../pipelines/clock.ts'
import type { Random } from '../../pipelines/random.ts'
import { KeyStore } from '../../services/access/key-store.ts'
import { isActive } from '../../services/access/key-ring.ts'
import type { Config } from '../../services/runtime/config.ts'
import { EXIT, ExitError } from '../../services/runtime/exit.ts'
import type { Folder } from './folder.ts'
import { writeSecret } from './secret-file.ts'

/** The node of the sample that the provider's key names. */
export const PROVIDER_NODE = 'sample-regional-01'

/** Keys that `npm start` itself uses; their texts are in the data folder, readable by its owner alone. */
export interface LocalKeys {
  readonly admin: string
  readonly provider: string
  /** Sends the sample. */
  readonly sample: string
  readonly file: string
  /** True where this start made them: they are shown then. */
  readonly isNew: boolean
}

const CLIENTS = {
  admin: { client: 'npm start: admin', scopes: ['admin'], nodes: [] },
  provider: {
    client: 'npm start: provider',
    scopes: ['usage:read', 'settings:write'],
    nodes: [PROVIDER_NODE],
  },
  sample: { client: 'npm start: sample', scopes: ['events:write', 'settings:write'], nodes: ['*'] },
} as const

/** The keys of this data folder; makes them at the first start. Undefined where access is off. */
export async function localKeys(
  config: Config,
  folder: Folder,
  clock: Clock,
  random: Random,
): Promise<LocalKeys | undefined> {
  if (config.access === 'off') return undefined
  const file = join(folder.root, 'keys.json')
  if (existsSync(file)) return { ...readKeys(file), file, isNew: false }
  await using store = await KeyStore.open(config, clock, random)
  const made: Record<string, string> = {}
  for (const [name, request] of Object.entries(CLIENTS)) {
    // Keys of an earlier data folder, which was removed together with their texts.
    for (const key of store.all()) {
      if (key.client === request.client && isActive(key, clock.nowMs())) await store.revoke(key.key_id)
    }
    made[name] = (await store.create({ ...request, expiresAtMs: null })).text
  }
  writeSecret(file, `${JSON.stringify(made, null, 1)}\n`)
  return { ...readKeys(file), file, isNew: true }
}

function readKeys(file: string): Pick<LocalKeys, keyof typeof CLIENTS> {
  const keys = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  const { admin, provider, sample } = keys
  if (typeof admin === 'string' && typeof provider === 'string' && typeof sample === 'string') {
    return { admin, provider, sample }
  }
  throw new ExitError(
    EXIT.configuration,
    `${file} does not hold the keys of this data folder any more. Remove it, and the next start makes new ones.`,
  )
}

/** The header that a key is sent in; none where access is off. */
export function bearer(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` }
}

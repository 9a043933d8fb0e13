import type { Clock } from '../../../pipelines/clock.ts'
import { isJsonObject } from '../../../pipelines/json/json-object.ts'
import type { Logger } from '../../../pipelines/logger.ts'
import type { Random } from '../../../pipelines/random.ts'
import type { FleetNodeName } from '../../../schemas/fleet/records.ts'
import { VERSION } from '../../../schemas/version.ts'
import { EXIT, ExitError } from '../../runtime/exit.ts'
import { writeWhole } from '../spool/disk.ts'
import type { Disk } from '../spool/disk.ts'
import { retryDelayMs } from './backoff.ts'
import { GatewayClient } from './gateway-client.ts'

/** Who this node is, and the key that says so. */
export interface Enrolled extends FleetNodeName {
  readonly key: string
}

/** What a header of HTTP can hold: what a key must be to be sent. */
export const KEY = /^[\x21-\x7e]{1,1024}$/
/** In the folder of the node's state. */
const ENROLLED_FILE = 'node.json'

export interface EnrolParts {
  readonly gatewayUrl: string
  readonly token: string
  readonly nodeName: string | null
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** What an enrolment has left in the folder; null where there was none. */
export async function readEnrolled(disk: Disk): Promise<Enrolled | null> {
  const bytes = await disk.read(ENROLLED_FILE)
  if (bytes === null) return null
  const enrolled = enrolledIn(parsed(bytes))
  if (enrolled !== null) return enrolled
  throw new ExitError(
    EXIT.configuration,
    `${ENROLLED_FILE} in the state folder holds no key of a node. Remove it and enrol the node anew with a new token.`,
  )
}

/**
 * Spends the one-time token for a key, and keeps that in the folder, for the owner alone. Tries again while the gateway is away;
 * exit 78 where it does not take the token. Null where the signal ended it.
 */
export async function enrol(parts: EnrolParts, signal: AbortSignal): Promise<Enrolled | null> {
  const { gatewayUrl, token, nodeName, disk, clock, random, logger } = parts
  const client = new GatewayClient({ url: gatewayUrl, key: null, clock })
  const name = nodeName === null ? {} : { node_name: nodeName }
  const body = { token, ...name, software_version: VERSION }
  for (let failures = 1; !signal.aborted; failures += 1) {
    const said = await client.say('/v1/fleet/enrol', body, signal)
    if (said.kind === 'taken') {
      const enrolled = enrolledIn(said.answer)
      if (enrolled === null) {
        throw new ExitError(
          EXIT.failure,
          'The answer to the enrolment holds no key. Is gatewayUrl the gateway?',
        )
      }
      await writeWhole(disk, ENROLLED_FILE, Buffer.from(JSON.stringify(enrolled)))
      return enrolled
    }
    if (said.kind !== 'again') {
      throw new ExitError(
        EXIT.configuration,
        `The gateway did not take the token: ${said.reason}. A token works once and for 24 hours: ask for a new one.`,
      )
    }
    if (signal.aborted) break
    logger.warn({ reason: said.reason }, 'The gateway does not enrol this node yet. It is tried again.')
    await clock.delay(retryDelayMs(failures, said.waitMs, random), signal)
  }
  return null
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch {
    return null
  }
}

function enrolledIn(value: unknown): Enrolled | null {
  if (!isJsonObject(value)) return null
  const { key, provider_id, location_id, node_id } = value
  if (typeof key !== 'string' || !KEY.test(key) || typeof provider_id !== 'string') return null
  if (typeof location_id !== 'string' || typeof node_id !== 'string') return null
  return { key, provider_id, location_id, node_id }
}

import { isJsonObject } from '../../pipelines/json/json-object.ts'
import { SEQ_MAX } from '../../schemas/fleet/bounds.ts'
import { SECOND_MS } from '../../schemas/units.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import type { KeptSpans } from './send/complete.ts'
import { writeWhole } from './spool/disk.ts'
import type { Disk } from './spool/disk.ts'
import type { Range } from './spool/ranges.ts'

/** What a node remembers from one start to the next, beside its spool and its key. */

const EPOCH_FILE = 'epoch'
const PROGRESS_FILE = 'progress.json'
const ROSTER_FILE = 'roster.json'

/**
 * Begins an epoch: larger than every one before. It is on the disk before any number of it is used. A folder that lost its state
 * begins at the seconds of the wall clock, so that an epoch from before the loss does not come again.
 */
export async function beginEpoch(disk: Disk, inSpool: number, wallMs: number): Promise<number> {
  const text = (await disk.read(EPOCH_FILE))?.toString('utf8').trim() ?? '0'
  if (!/^\d{1,16}$/.test(text)) {
    throw new ExitError(
      EXIT.configuration,
      'The file "epoch" in the state folder holds no number. Move the state folder away and enrol the node anew.',
    )
  }
  const last = Math.max(Number(text), inSpool)
  const epoch = Math.min(SEQ_MAX, Math.max(last + 1, Math.floor(wallMs / SECOND_MS), 1))
  await writeWhole(disk, EPOCH_FILE, Buffer.from(`${epoch}\n`))
  return epoch
}

/** How far the node had come. */
export interface Progress {
  /** The newest time of the log that it was told; null where it never was. */
  readonly logMs: number | null
  readonly spans: KeptSpans | null
}

/** A file that is none of ours says nothing: less is said to be complete then. */
export async function readProgress(disk: Disk): Promise<Progress> {
  const bytes = await disk.read(PROGRESS_FILE)
  let value: unknown = null
  try {
    value = bytes === null ? null : JSON.parse(bytes.toString('utf8'))
  } catch {
    value = null
  }
  if (!isJsonObject(value)) return { logMs: null, spans: null }
  const { log_ms: logMs, polled, told } = value
  return {
    logMs: typeof logMs === 'number' ? logMs : null,
    spans: { polled: rangesIn(polled), told: rangesIn(told) },
  }
}

export async function writeProgress(disk: Disk, { logMs, spans }: Progress): Promise<void> {
  await writeWhole(disk, PROGRESS_FILE, Buffer.from(JSON.stringify({ log_ms: logMs, ...spans })))
}

export async function readRoster(disk: Disk): Promise<string | null> {
  return (await disk.read(ROSTER_FILE))?.toString('utf8') ?? null
}

export async function writeRoster(disk: Disk, text: string): Promise<void> {
  await writeWhole(disk, ROSTER_FILE, Buffer.from(text))
}

function rangesIn(value: unknown): Range[] {
  if (!Array.isArray(value)) return []
  return (value as readonly unknown[]).flatMap((one) => {
    const { from, to } = isJsonObject(one) ? one : {}
    return typeof from === 'number' && typeof to === 'number' && from < to ? [{ from, to }] : []
  })
}

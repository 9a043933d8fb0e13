import { promisify } from 'node:util'
import { constants as zlib, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { fleetPageCodec } from '../../../schemas/fleet/codecs.ts'
import type { FleetPageRecord } from '../../../schemas/fleet/page-records.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import { outside } from '../../log/outside.ts'
import type { TopicAppend } from '../../log/records.ts'
import { pageKey } from './keys.ts'
import type { FleetPages, KeptPage } from './pages.ts'

/**
 * A page is written again when its newest record is so old, by log time: ticks of gateways come each 30 s, so it is at most
 * a minute old. This bounds what a restart has to take in again.
 */
export const PAGE_AGE_MS = 40 * SECOND_MS

/** Pages that one transaction writes, the oldest first, so that a batch that spans hours of log time stays small. */
export const PAGES_PER_TRANSACTION_MAX = 32

const packed = promisify(zstdCompress)

/**
 * Writes the pages whose turn it is, as of `position` and log time `nowMs`; a new page at once, since a restart cannot make
 * it from nothing; and a page that holds nobody for the last time: it is dropped.
 */
export async function writePages(
  pages: FleetPages,
  to: { readonly topic: string; readonly partition: number },
  position: number,
  nowMs: number,
): Promise<TopicAppend[]> {
  const appends: TopicAppend[] = []
  for (const kept of turnOf(pages.all, nowMs)) {
    const { page } = kept
    const key = pageKey({ providerId: page.providerId, page: page.number })
    if (page.isEmpty) {
      pages.drop(page)
      appends.push({ ...to, key, value: null })
      continue
    }
    kept.writtenMs = kept.writtenMs === null ? firstTurnMs(page.number, nowMs) : nowMs
    kept.writtenThrough = position
    const bytes = page.encode()
    const record: FleetPageRecord = {
      provider_id: page.providerId,
      page: page.number,
      through: position,
      now: nowMs,
      size: bytes.length,
      packed: await outside(packed(bytes, { params: { [zlib.ZSTD_c_compressionLevel]: 1 } })),
    }
    appends.push({ ...to, key, value: fleetPageCodec.encode(record) })
  }
  return appends
}

/** The page's own bytes; throws where they are not what was packed. */
export function unpackedPage({ packed: bytes, size, page, provider_id }: FleetPageRecord): Buffer {
  const unpacked = zstdDecompressSync(bytes, { maxOutputLength: size })
  if (unpacked.length === size) return unpacked
  throw new Error(`Page ${page} of ${provider_id} has ${unpacked.length} bytes and was written with ${size}.`)
}

/** New pages all, and of the others those that are old enough, the oldest first. */
function turnOf(all: readonly KeptPage[], nowMs: number): KeptPage[] {
  const isNew = ({ writtenMs }: KeptPage): boolean => writtenMs === null
  const old = all.filter(({ writtenMs }) => writtenMs !== null && nowMs - writtenMs >= PAGE_AGE_MS)
  const next = old
    .toSorted((left, right) => left.writtenThrough - right.writtenThrough)
    .slice(0, PAGES_PER_TRANSACTION_MAX)
  return [...all.filter(isNew), ...next]
}

/** Pages that were made at once are not written at once ever after. */
function firstTurnMs(page: number, nowMs: number): number {
  return nowMs - ((page * SECOND_MS) % PAGE_AGE_MS)
}

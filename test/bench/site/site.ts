import { SPOOL_AGE_MS_MAX } from '../../../services/node/spool/spool.ts'
import { HOUR_MS, MIB } from '../../../schemas/units.ts'
import { shown, whole } from '../harness/bench-line.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import { runNode } from './node-run.ts'
import { fillSpool } from './spool-fill.ts'

const MACHINES = 5_000
const CORES_MAX = 0.3
const PEAK_MB_MAX = 200
const SHARE_MIN = 0.99
const SPOOL_MACHINES = 1_000
const SPOOL_MB_MAX = 2_000
const BYTES_PER_MB = 1_000_000

/** The node of a site: what it takes of a small computer, and how large its spool becomes when the gateway is away. */
export async function benchSite({ measureMs }: { readonly measureMs: number }): Promise<BenchResult> {
  const lines: BenchLine[] = []
  for (const isPacked of [false, true]) {
    const { cores, peakMb, polls, okShare, sentShare } = await runNode({
      machines: MACHINES,
      measureMs,
      isPacked,
    })
    const form = isPacked ? 'the packed form' : 'JSON'
    lines.push(
      {
        what: `node, ${whole(MACHINES)} machines a minute, ${form}: CPU`,
        value: `${cores.toFixed(3)} core (${((cores * measureMs) / polls).toFixed(2)} ms a poll)`,
        target: `< ${CORES_MAX} core`,
        reached: cores < CORES_MAX,
      },
      {
        what: `node, ${whole(MACHINES)} machines a minute, ${form}: peak memory`,
        value: `${peakMb} MB`,
        target: `< ${PEAK_MB_MAX} MB`,
        reached: peakMb < PEAK_MB_MAX,
      },
      {
        what: `polls that read everything; items that were taken, ${form}`,
        value: `${(okShare * 100).toFixed(1)} % of ${whole(polls)}; ${(sentShare * 100).toFixed(1)} %`,
        target: `> ${SHARE_MIN * 100} %`,
        reached: okShare > SHARE_MIN && sentShare > SHARE_MIN,
      },
    )
  }
  const spool = await fillSpool({ machines: SPOOL_MACHINES, forMs: HOUR_MS })
  const wholeMb = (spool.sizeBytes * (SPOOL_AGE_MS_MAX / HOUR_MS)) / BYTES_PER_MB
  return {
    lines: [
      ...lines,
      {
        what: `spool of ${SPOOL_AGE_MS_MAX / HOUR_MS} h, ${whole(SPOOL_MACHINES)} machines at 60 s: an hour, times ${SPOOL_AGE_MS_MAX / HOUR_MS}`,
        value: `${whole(wholeMb)} MB`,
        target: `< ${whole(SPOOL_MB_MAX)} MB`,
        reached: wholeMb < SPOOL_MB_MAX,
      },
      shown(
        'that hour',
        `${whole(spool.items)} items, ${(spool.sizeBytes / MIB).toFixed(1)} MiB, ${(spool.sizeBytes / spool.items).toFixed(1)} bytes an item, ${(spool.unpackedBytes / spool.items).toFixed(1)} unpacked`,
      ),
    ],
  }
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { topicNames } from '../../schemas/topics.ts'
import { fakeClickhouse } from '../../test/support/servers/clickhouse.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import type { Check, CheckCounts, VerifiedVersion, VerifyRun, VersionCheck } from './check.ts'
import { Differences } from './differences.ts'
import type { Logs } from './logs.ts'
import { Tables } from './tables.ts'
import { verify } from './verify.ts'

const TOPICS = topicNames('')
const WATERMARK_MS = 1_000
const NOTHING: CheckCounts = { compared: [], undecided: 0, otherwise: [], leftOut: [] }

/** A check of a task that has written blocks up to a number; it records the order in which it is called. */
class ToyCheck implements Check {
  readonly name = 'toy'
  readonly reads = ['usageMetered'] as const
  readonly task = {
    state: 'usageIds',
    blocks: 'usageBlocks',
    nextSeqOf: (record: Buffer) => record.length,
  } as const
  readonly #heard: string[]
  readonly #nextSeq: number

  constructor(heard: string[], nextSeq: number) {
    this.#heard = heard
    this.#nextSeq = nextSeq
  }

  begin(): VersionCheck {
    this.#heard.push('begin')
    return {
      find: async (partition) => {
        this.#heard.push(`find ${partition}`)
        await Promise.resolve()
        if (this.#nextSeq === 0) return null
        return {
          blocks: { topic: TOPICS.usageBlocks, partition, seqBelow: this.#nextSeq },
          watermarkMs: WATERMARK_MS,
          compare: async () => {
            await Promise.resolve()
            this.#heard.push(`compare ${partition}`)
          },
        }
      },
      end: async () => {
        await Promise.resolve()
        this.#heard.push('end')
      },
    }
  }

  async passOver(): Promise<void> {
    await Promise.resolve()
    this.#heard.push('pass over')
  }

  finish(): CheckCounts {
    this.#heard.push('finish')
    return NOTHING
  }
}

interface World {
  /** The number that the task's next block gets; 0 where it has never committed. */
  readonly nextSeq: number
  readonly loadedSeq?: number
  readonly loadedWatermarkMs?: number
  readonly present?: readonly string[]
}

async function run(world: World): Promise<{ heard: string[]; lines: string[]; differences: string[] }> {
  const { nextSeq, loadedSeq = nextSeq - 1, loadedWatermarkMs = WATERMARK_MS } = world
  const heard: string[] = []
  const lines: string[] = []
  const differences = new Differences()
  const loaded = { last_seq: String(loadedSeq), watermark_ms: String(loadedWatermarkMs) }
  const parts: VerifyRun = {
    tables: new Tables(fakeClickhouse({ rows: () => Promise.resolve([loaded]) })),
    differences,
    clock: new VirtualClock(),
    catchUpMs: 1_000,
    signal: new AbortController().signal,
    say: (line) => lines.push(line),
    idKey: () => Buffer.alloc(0),
    recordsOf: async function* () {},
  }
  const newestTask = () => Promise.resolve(nextSeq === 0 ? null : Buffer.alloc(nextSeq))
  const version: VerifiedVersion = {
    partitions: 2,
    topics: TOPICS,
    logs: { topics: TOPICS, newestTask } as unknown as Logs,
    ended: null,
    isClosed: false,
  }
  await verify({
    run: parts,
    checks: [new ToyCheck(heard, nextSeq)],
    versions: [version],
    present: new Set(world.present ?? [TOPICS.usageMetered]),
  })
  return { heard, lines, differences: differences.lines() }
}

describe('verify', () => {
  it('asks a check for partition after partition, and for what is of all of them', async () => {
    const { heard, lines, differences } = await run({ nextSeq: 5 })
    assert.deepEqual(heard, ['begin', 'find 0', 'compare 0', 'find 1', 'compare 1', 'end', 'finish'])
    assert.deepEqual([lines, differences], [[], []])
  })

  it('compares nothing where a task has never committed', async () => {
    const { heard } = await run({ nextSeq: 0, loadedSeq: 0 })
    assert.deepEqual(heard, ['begin', 'find 0', 'find 1', 'end', 'finish'])
  })

  it('passes over a version of which a topic was deleted, and says so', async () => {
    const { heard, lines } = await run({ nextSeq: 5, present: [] })
    assert.deepEqual(heard, ['pass over', 'finish'])
    assert.deepEqual(lines, [
      'usage.metered and what belongs to it was deleted: rows of that version are not compared',
    ])
  })

  it('names a log that is older than ClickHouse, as the one difference of a partition', async () => {
    const { heard, lines, differences } = await run({ nextSeq: 5, loadedSeq: 7 })
    assert.deepEqual(heard, ['begin', 'end', 'finish'])
    assert.match(
      lines[0] ?? '',
      /^Kafka is older than ClickHouse: .* usage\.blocks\[0\] up to 7, the log knows of 4\./,
    )
    assert.deepEqual(differences, [
      'watermarks usage.blocks partition 0: src_seq is 7, expected at most 4',
      'watermarks usage.blocks partition 1: src_seq is 7, expected at most 4',
    ])
  })

  it('names the loader that stands', async () => {
    await assert.rejects(run({ nextSeq: 5, loadedSeq: 3 }), {
      message:
        'ClickHouse has blocks of usage.blocks partition 0 up to 3 of 4: the loader has not brought the rest. Waited 1 s. ' +
        'See whether that service runs (its /readyz says for what it waits) and run this again.',
    })
  })

  it('compares the watermark', async () => {
    const { differences } = await run({ nextSeq: 5, loadedWatermarkMs: 999 })
    assert.deepEqual(differences, [
      'watermarks usage.blocks partition 0: watermark is 999, expected 1000',
      'watermarks usage.blocks partition 1: watermark is 999, expected 1000',
    ])
  })
})

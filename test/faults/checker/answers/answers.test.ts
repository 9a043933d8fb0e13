import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AnswerBounds } from './answer-bounds.ts'
import { checkAnswerOrder } from './answer-order.ts'
import { parseAnswer } from './answers.ts'
import type { Answer } from './answers.ts'
import { parseCheckerArguments } from '../arguments.ts'
import { Problems } from '../problems.ts'
import { NOON_MS, smallWorld } from '../world-fixture.ts'

const MINUTE_MS = 60_000
const iso = (atMs: number): string => new Date(atMs).toISOString()

/** The node, the reader and the time, in minutes after noon; as_of is given as the newest receipt taken in. */
interface Query {
  readonly reader?: string
  readonly atMinute?: number
  readonly receivedMinute?: number | null
  /** What nodes without a confirmed operator have earned. */
  readonly ofOthers?: number
}

let queried = 0

function answerOf(
  route: string,
  body: object,
  { reader = 'reader-1', atMinute = 60, receivedMinute = 50 }: Query,
): Answer {
  const atMs = NOON_MS + atMinute * MINUTE_MS
  const as_of = receivedMinute === null ? null : iso(NOON_MS + (receivedMinute - 5) * MINUTE_MS)
  const line = { atMs, sentMs: atMs - 10, reader, route, node: 'node-a', body: { ...body, as_of } }
  const answer = parseAnswer(JSON.stringify(line), `answers-1.jsonl:${++queried}`)
  assert.ok(answer !== null)
  return answer
}

/** A provider view of node-a that has taken in this many of its four events. */
function provider(events: number, about: Query & { readonly microSpark?: number } = {}): Answer {
  return answerOf(
    'provider',
    {
      node_id: 'node-a',
      mode: 'compatible',
      period: 'lifetime',
      compute_stats: {
        total_inferences: events,
        gpu_ms: events * 150,
        energy_mwh: events * 7,
        metered_api_costs_absorbed_exact: `0.${String(events * 4).padStart(2, '0')}`,
      },
      reward_summary: { total_micro_spark_earned: about.microSpark ?? (events < 3 ? 0 : 12_000_000) },
    },
    about,
  )
}

function wallet(microSpark: readonly number[], about: Query = {}, balance?: number): Answer {
  const nodes = microSpark.map((micro_spark, index) => ({ node_id: `node-${'ab'[index]}`, micro_spark }))
  const { ofOthers = 0 } = about
  const balance_micro_spark = balance ?? microSpark.reduce((sum, one) => sum + one, ofOthers)
  const unconfirmed = { nodes: 1, micro_spark: ofOthers }
  return answerOf('wallet', { operator_id: 'op', balance_micro_spark, nodes, unconfirmed }, about)
}

function usage(events: readonly number[], about: Query & { readonly final?: boolean } = {}): Answer {
  const items = events.map((count, minute) => ({
    window_start: iso(NOON_MS + (minute + 1) * MINUTE_MS),
    window_end: iso(NOON_MS + (minute + 2) * MINUTE_MS),
    inferences: count,
    tokens_in: count * 100,
    tokens_out: count * 50,
    gpu_ms: count * 150,
    energy_mwh: count * 7,
    usd_exact: `0.${String(count * 4).padStart(2, '0')}`,
    final: about.final ?? false,
  }))
  return answerOf('usage', { items, from: iso(NOON_MS), to: iso(NOON_MS + 15 * MINUTE_MS) }, about)
}

function orderLines(...answers: readonly Answer[]): string[] {
  const problems = new Problems()
  checkAnswerOrder(answers, problems)
  return problems.lines().map((line) => line.replaceAll(/answers-1\.jsonl:\d+/g, 'X'))
}

async function boundLines(...answers: readonly Answer[]): Promise<string[]> {
  const world = smallWorld()
  const { tables } = await world.check()
  const problems = new Problems()
  const counted = tables.raw.counted.values()
  const stored = {
    history: world.history,
    counted,
    settlements: tables.settlements.byId.values(),
    rewards: [],
  }
  const bounds = new AnswerBounds(stored, problems)
  for (const answer of answers) bounds.check(answer)
  return problems.lines().map((line) => line.replaceAll(/answers-1\.jsonl:\d+/g, 'X'))
}

describe('answers in order', () => {
  it('lets a slow reader answer with an older as_of, and any order under one', () => {
    const answers = [
      provider(2, { receivedMinute: 20 }),
      provider(1, { receivedMinute: 10, reader: 'reader-2', atMinute: 61 }),
      provider(3, { receivedMinute: 20, reader: 'reader-2', atMinute: 62 }),
    ]
    assert.deepEqual(orderLines(...answers), [])
    assert.deepEqual(
      orderLines(wallet([1, 9], {}), wallet([2, 3], { reader: 'reader-2', receivedMinute: 51 })),
      [],
    )
  })

  it('names counters that go back under a later as_of, whoever answers', () => {
    const lines = orderLines(
      provider(3, { receivedMinute: 10, microSpark: 0 }),
      provider(2, { receivedMinute: 20, reader: 'reader-2' }),
    )
    assert.equal(lines.length, 4)
    assert.equal(
      lines[0],
      'answer: X, node node-a: inferences goes back to 2, it was 3 in X, with an earlier as_of',
    )
  })

  it('names counters and as_of that go back at one reader', () => {
    const lines = orderLines(
      wallet([7, 5], { atMinute: 60 }),
      wallet([8, 3], { atMinute: 61, receivedMinute: 49 }),
    )
    assert.deepEqual(
      lines.map((line) => /: (\S+(?: of \S+)?) goes back to/.exec(line)?.[1]),
      ['balance_micro_spark', 'micro_spark of node-b', 'as_of'],
    )
    const crossing = wallet([8, 3], { atMinute: 60 })
    assert.deepEqual(
      orderLines(wallet([7, 5], { atMinute: 60 }), crossing),
      [],
      'neither came before the other',
    )
  })
})

describe('bounds of answers', () => {
  it('lets answers be right, or newer than they say', async () => {
    assert.deepEqual(
      await boundLines(
        provider(4),
        provider(4, { receivedMinute: 2 }),
        provider(1, { receivedMinute: 2 }),
        provider(0, { receivedMinute: null }),
        wallet([12_000_000, 12_000_000]),
        wallet([12_000_000], { ofOthers: 12_000_000 }),
        wallet([12_000_000, 0], { receivedMinute: 3 }),
        usage([1, 1, 1, 1]),
        usage([1, 0, 1], { receivedMinute: 2 }),
      ),
      [],
    )
  })

  it('names an answer that is older than its as_of says', async () => {
    const lines = await boundLines(provider(3))
    assert.equal(
      lines[0],
      'answer: X, node node-a: inferences is 3, older than as_of says: it must be at least 4',
    )
    assert.match((await boundLines(provider(4, { microSpark: 0 })))[0] ?? '', /micro_spark is 0, older than/)
    assert.match(
      (await boundLines(wallet([12_000_000, 0])))[0] ?? '',
      /balance_micro_spark is 12000000, older/,
    )
    assert.match((await boundLines(usage([1, 1, 1])))[0] ?? '', /as a whole: inferences is 3, older than/)
  })

  it('names an answer that is ahead of what had arrived', async () => {
    const early = { atMinute: 2.5, receivedMinute: 1 }
    assert.deepEqual(await boundLines(provider(2, early)), [])
    const lines = await boundLines(provider(3, { ...early, microSpark: 0 }))
    assert.equal(lines[0], 'answer: X, node node-a: inferences is 3, ahead of what had arrived: 2 at most')
    assert.match((await boundLines(provider(5))).at(-1) ?? '', /is 5, only 4 were ever sent$/)
    assert.match(
      (await boundLines(usage([1, 1, 1], early)))[0] ?? '',
      /as a whole: inferences is 3, ahead of/,
    )
  })

  it('names a final window that lacks an event, an as_of of the future, a sum that is none', async () => {
    const final = usage([1, 1, 0], { final: true, receivedMinute: 2 })
    assert.match(
      (await boundLines(final))[0] ?? '',
      /from 2026-05-10T12:03:00.000Z: inferences is 0, older than/,
    )
    assert.match((await boundLines(provider(4, { receivedMinute: 61 })))[0] ?? '', /as_of is 240000 ms old/)
    assert.match((await boundLines(wallet([12_000_000, 12_000_000], {}, 23_000_000)))[1] ?? '', /is 23000000/)
    const others = wallet([12_000_000], { ofOthers: 11_000_000 }, 24_000_000)
    assert.match((await boundLines(others)).at(-1) ?? '', /is 24000000, expected 23000000/)
  })
})

describe('arguments', () => {
  it('reads them, and names the one that is wrong', () => {
    const args = [
      '--history',
      'h',
      '--brokers',
      'a:1',
      '--clickhouse-url',
      'http://c',
      '--database',
      'd',
      '--prefix',
      '',
    ]
    assert.equal(parseCheckerArguments([...args, '--partitions', '4']).partitions, 4)
    assert.throws(() => parseCheckerArguments(args), /--partitions is missing/)
    assert.throws(() => parseCheckerArguments([...args, '--partitions', '0']), /1 to 9999/)
    assert.throws(() => parseCheckerArguments([...args, '--other', '0']), /--other/)
  })
})

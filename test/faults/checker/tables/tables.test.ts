import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attemptOf, rowOf, smallWorld, workOf } from '../world-fixture.ts'
import type { World } from '../world-fixture.ts'

const ONE = `node-a ${'1'.padStart(32, '0')}`

/** Damages a small world and expects exactly these lines. */
async function finds(damage: (world: World) => void, expected: readonly (string | RegExp)[]): Promise<void> {
  const world = smallWorld()
  damage(world)
  const lines = await world.lines()
  for (const [index, words] of expected.entries()) {
    if (typeof words === 'string') assert.equal(lines[index], words)
    else assert.match(lines[index] ?? '(no line)', words)
  }
  assert.equal(lines.length, expected.length, lines.join('\n'))
}

const first = <Row>(rows: readonly Row[] | undefined): Row => rows?.[0] as Row

describe('what is stored, held against the history', () => {
  it('finds nothing in a world that is right, and has looked at all of it', async () => {
    const { problems, tables } = await smallWorld().check()
    assert.deepEqual(problems.lines(), [])
    assert.ok(problems.isClean)
    const { raw, windows, decisions, settlements, ledger } = tables
    const looked = [raw.rows, windows, decisions.rows, settlements.rows, ledger.rows]
    assert.deepEqual(looked, [8, 10, 8, 2, 4])
  })

  it('names an accepted event that is not there', async () => {
    await finds(
      (world) => world.attempts.push(attemptOf('node-a', 99)),
      [`lost: event node-a ${(99).toString(16).padStart(32, '0')} was accepted and is not in usage_events`],
    )
  })

  it('lets an event of unknown outcome be there or not', async () => {
    await finds((world) => {
      world.attempts.push(attemptOf('node-a', 99, { outcome: 'unknown' }))
      world.attempts[0] = { ...first(world.attempts), outcome: 'unknown' }
    }, [])
  })

  it('names a row that stands twice', async () => {
    await finds(
      (world) => world.rows.push({ ...first(world.rows) }),
      [
        `counted twice: event ${ONE} has another row in usage_events`,
        /^window: usage_1m node-a .*: events is 1, expected 2$/,
        ...Array.from({ length: 17 }, () => /^window: usage_1/),
      ],
    )
  })

  it('names rows that were refused, or never sent', async () => {
    await finds(
      (world) => {
        const { nodeId, id, work } = first(world.attempts)
        world.attempts[0] = { nodeId, id, work, outcome: 'refused', isConflict: false }
        world.attempts.splice(1, 1)
      },
      [/^ghost: event node-a 0+1 was refused/, /^ghost: event node-a 0+2 was never sent/],
    )
  })

  it('names an altered cell', async () => {
    await finds(
      (world) => (first(world.rows).work = { ...first(world.rows).work, durationMs: 11 }),
      [
        `row: usage_events ${ONE}: durationMs is 11, expected 10`,
        /^window: usage_1m .*: duration_ms is 10, expected 11$/,
        /^window: usage_15m .*: duration_ms is 40, expected 41$/,
      ],
    )
  })

  it('names a derived cell and marks of lateness that are wrong', async () => {
    await finds(
      (world) => (first(world.rows).energyMwhCompatible = 8),
      [`row: usage_events ${ONE}: energy_mwh_compatible is 8, expected 7`],
    )
    await finds(
      (world) => (first(world.rows).receivedAtMs += 360_000),
      [/^row: .* came late and is not marked$/],
    )
    const world = smallWorld()
    first(world.rows).partition ^= 1
    assert.match((await world.lines())[0] ?? '', /^row: usage_events node-a .*: src_partition is /)
  })

  it('lets either content of a conflict count, once', async () => {
    await finds((world) => {
      const { nodeId, id } = first(world.attempts)
      world.attempts.push({
        nodeId,
        id,
        work: workOf({ tokensOut: 51 }),
        outcome: 'accepted',
        isConflict: true,
      })
    }, [])
    const world = smallWorld()
    const conflict = { ...attemptOf('node-b', 1), work: workOf({ tokensOut: 51 }), isConflict: true }
    world.attempts.push(conflict)
    world.rows[4] = rowOf(conflict)
    const lines = await world.lines()
    assert.deepEqual(
      lines.filter((line) => /^(ghost|row|lost|counted)/.test(line)),
      [],
    )
    world.rows.push(rowOf(attemptOf('node-b', 1)))
    assert.match((await world.lines())[0] ?? '', /^counted twice: event node-b 0+1 has another row/)
  })

  it('names a window that is missing, too many, or wrong', async () => {
    await finds(
      (world) => world.windows.get('usage_1m')?.shift(),
      [/^window: usage_1m node-a .* is missing$/],
    )
    await finds(
      (world) => {
        const window = first(world.windows.get('usage_15m'))
        world.windows.get('usage_15m')?.push({ ...window, startMs: 0 })
      },
      [/^window: usage_15m node-a 1970-.* has no event in usage_events$/],
    )
    await finds(
      (world) => {
        const window = first(world.windows.get('usage_15m'))
        window.sums = window.sums.with(1, 1n)
      },
      [/^window: usage_15m node-a .*: late_events is 1, expected 0$/],
    )
  })
})

describe('decisions', () => {
  it('names a cost that was decided twice, and one that was not', async () => {
    await finds(
      (world) => Object.assign(world.decisions[1] as object, { id: first(world.decisions).id }),
      [
        /^paid twice: cost 2 of node-a \(event 0+1\): its event was decided before$/,
        /^decision: cost 2 of node-a .*: occurred_at is/,
        /^decision: event node-a 0+2 cost 40000000 nano-USD, never decided$/,
      ],
    )
  })

  it('names a gap in the sequence of a node', async () => {
    const world = smallWorld()
    for (const decision of world.decisions.slice(2, 4)) decision.costSeq += 1
    const lines = await world.lines()
    assert.match(lines[0] ?? '', /^decision: cost 4 of node-a .*: cost_seq is 4, expected 3$/)
  })

  it('names a wrong cost, Spark and a decision about nothing', async () => {
    const lines = async (fields: object): Promise<string> => {
      const world = smallWorld()
      Object.assign(world.decisions[3] as object, fields)
      return (await world.lines())[0] ?? ''
    }
    assert.match(await lines({ costNanoUsd: 41_000_000n }), /cost_nano_usd is 41000000, expected 40000000$/)
    assert.match(await lines({ spark: 5n }), /spark is 5, expected 4$/)
    assert.match(await lines({ id: 'f'.repeat(32) }), /is about an event that is not in usage_events$/)
    assert.match(await lines({ operatorId: 'other' }), /operator_id is other, expected op$/)
    const world = smallWorld()
    for (const row of [...world.decisions.slice(0, 4), ...world.settlements.slice(0, 1)])
      row.operatorId = 'other'
    const [words] = await world.lines()
    assert.equal(words, 'decision: node node-a is operated by other, whom none of its events names')
    assert.match(await lines({ decision: 'written_off' }), /is written_off with operator "op"$/)
  })
})

describe('settlements and ledger', () => {
  it('names a gap and an overlap of ranges', async () => {
    await finds(
      (world) => {
        Object.assign(first(world.settlements), { fromSeq: 1, costs: 2, costNanoUsd: 80_000_000n })
      },
      [
        /^settlement: settlement .* of node-a \(1, 3\]: micro_spark is 12000000, expected 8000000$/,
        /^settlement: .*begins after a gap: paid through 0$/,
        ...Array.from({ length: 2 }, () => /^account: account node-a: /),
      ],
    )
    const world = smallWorld()
    const again = { ...first(world.settlements), id: 'again', fromSeq: 2, toSeq: 4, costs: 2 }
    world.settlements.splice(1, 0, { ...again, costNanoUsd: 80_000_000n, spark: 8n, microSpark: 8_000_000n })
    const lines = await world.lines()
    assert.match(
      lines[0] ?? '',
      /^paid twice: settlement again of node-a \(2, 4\] pays 1 costs that are paid/,
    )
  })

  it('names a settlement that stands twice', async () => {
    const world = smallWorld()
    world.settlements.splice(1, 0, { ...first(world.settlements) })
    const { problems } = await world.check()
    assert.equal(problems.count('paid twice'), 3)
    assert.match(problems.lines()[1] ?? '', /its id is taken$/)
  })

  it('names a leg that is missing, altered, doubled or about nothing', async () => {
    await finds(
      (world) => world.ledger.splice(1, 1),
      [
        "ledger: settlement settlement-of-node-a of node-a: legs in the issuer's wallet is 0, expected 1",
        'ledger: the sum of all legs in micro-Spark is 12000000, expected 0',
      ],
    )
    await finds(
      (world) => (first(world.ledger).microSpark += 1n),
      [
        /^ledger: entry .*: micro_spark is 12000001, expected 12000000$/,
        'ledger: the sum of all legs in micro-Spark is 1, expected 0',
        /^account: account node-a: wallet op, micro_spark is 12000000, expected 12000001$/,
      ],
    )
    await finds(
      (world) => world.ledger.push({ ...first(world.ledger) }),
      [
        /^paid twice: settlement .* of node-a is booked 2 times in wallet op$/,
        /^ledger: entry .*: its id is taken$/,
        'ledger: the sum of all legs in micro-Spark is 12000000, expected 0',
        /^account: .* micro_spark is 12000000, expected 24000000$/,
        /^account: .* entries is 1, expected 2$/,
      ],
    )
    await finds(
      (world) => Object.assign(world.ledger[1] as object, { referenceId: 'nothing' }),
      [/books a settlement that there is not$/, /legs in the issuer's wallet is 0, expected 1$/],
    )
  })
})

describe('accounts', () => {
  it('names every kind of wrong counter, and a missing account', async () => {
    const one = async (fields: object): Promise<string[]> => {
      const world = smallWorld()
      Object.assign(world.accounts.get('node-b') as object, fields)
      return await world.lines()
    }
    assert.deepEqual(await one({ inferences: 5 }), ['account: account node-b: inferences is 5, expected 4'])
    assert.deepEqual(await one({ tokens_in: 1n }), ['account: account node-b: tokens_in is 1, expected 400'])
    assert.deepEqual(await one({ settled_through: 2 }), [
      'account: account node-b: settled_through is 2, expected 3',
    ])
    assert.deepEqual(await one({ pending_micro_spark: 3_000_000n }), [
      'account: account node-b: micro-Spark, open and settled is 15000000, expected 16000000',
    ])
    await finds(
      (world) => world.accounts.delete('node-a'),
      ['account: node node-a has events and no account'],
    )
  })
})

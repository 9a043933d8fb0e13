import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashToUuid } from '../../../../schemas/ids.ts'
import type { Account } from '../../../../schemas/records.ts'
import type { RequestAttempt } from './commands.ts'
import { referenceOf } from './rewards.ts'
import { NOON_MS, smallWorld } from '../world-fixture.ts'
import type { World } from '../world-fixture.ts'

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

const first = <Row>(rows: readonly Row[]): Row => rows[0] as Row

describe('limits of a day', () => {
  const limited = (limit: bigint): World => {
    const world = smallWorld()
    for (const decision of world.decisions) decision.dayLimit = limit
    return world
  }

  it('lets a day be spent exactly, and names a cost that goes beyond', async () => {
    assert.deepEqual(await limited(160_000_000n).lines(), [])
    const lines = await limited(159_999_999n).lines()
    assert.match(lines[0] ?? '', /^decision: cost 4 of node-a .* brings its day to 160000000 nano-USD/)
    assert.match(lines[1] ?? '', /is pending: 120000000 of 159999999 nano-USD were spent before$/)
  })

  it('names a refusal of what had room, and pay for what was refused', async () => {
    const world = limited(160_000_000n)
    Object.assign(world.decisions[3] as object, { decision: 'over_limit' })
    const lines = await world.lines()
    assert.match(lines[0] ?? '', /: spark is 4, expected 0$/)
    assert.match(lines[1] ?? '', /: micro_spark is 4000000, expected 0$/)
    assert.match(lines[2] ?? '', /is over_limit: 120000000 of 160000000 nano-USD were spent before$/)
  })

  it('names another day, and more held than anybody can have reserved', async () => {
    const world = smallWorld()
    const day = first(world.decisions).day + 1
    Object.assign(world.decisions[3] as object, { day, daySpent: 0n, reservationId: 'kept' })
    assert.match((await world.lines())[0] ?? '', /^decision: cost 4 .*: budget_day is \d+, expected \d+$/)
    const reserve: RequestAttempt = {
      nodeId: 'node-a',
      id: 'a'.repeat(32),
      kind: 'reserve',
      outcome: 'unknown',
      atMs: NOON_MS + 86_400_000,
      reservationId: 'kept',
      impressions: 0,
    }
    world.requests.push(reserve)
    assert.deepEqual(await world.lines(), [])
    const held = smallWorld()
    first(held.decisions).daySpent = 5n
    assert.match((await held.lines())[0] ?? '', /: day_spent_nano_usd is 5, expected 0$/)
    held.requests.push(reserve)
    assert.deepEqual(await held.lines(), [])
    first(held.decisions.slice(1)).daySpent = 39_999_999n
    assert.match((await held.lines())[0] ?? '', /: day_spent_nano_usd is 39999999, expected 40000000$/)
  })
})

describe('rewards', () => {
  const rewarded = (): World => {
    const world = smallWorld()
    const day = Math.floor(NOON_MS / 86_400_000)
    const booked = {
      nodeId: 'node-a',
      kind: 'uptime_bonus',
      referenceId: referenceOf(`reward/node-a/uptime_bonus/${day}`),
      bookedAtMs: NOON_MS,
    }
    const [paid, given] = [10_000_000n, -10_000_000n]
    world.ledger.push({
      entryId: 'r1',
      walletId: 'op',
      counterWalletId: '!issuer',
      microSpark: paid,
      ...booked,
    })
    world.ledger.push({
      entryId: 'r2',
      walletId: '!issuer',
      counterWalletId: 'op',
      microSpark: given,
      ...booked,
    })
    const account = world.accounts.get('node-a') as Account
    const [operator] = account.operators
    Object.assign(account, { rewards: 1, reward_micro_spark: 10_000_000n })
    Object.assign(operator as object, { micro_spark: 22_000_000n, entries: 2 })
    return world
  }

  it('are found right, as ids are made everywhere', async () => {
    assert.equal(referenceOf('reward/x'), hashToUuid('reward/x').toString('hex'))
    assert.deepEqual(await rewarded().lines(), [])
  })

  it('are named where one is doubled, of another amount, of another day, or not counted', async () => {
    const lines = async (damage: (world: World) => void): Promise<string> => {
      const world = rewarded()
      damage(world)
      return (await world.lines())[0] ?? ''
    }
    const last = (world: World) => world.ledger.at(-2) as World['ledger'][number]
    assert.match(
      await lines((world) => world.ledger.push({ ...last(world), entryId: 'r3' })),
      /^paid twice: uptime_bonus .* of node-a is booked 2 times$/,
    )
    assert.match(
      await lines((world) => (last(world).microSpark += 1n)),
      /: micro_spark is 10000001, expected 10000000$/,
    )
    assert.match(
      await lines((world) => {
        for (const row of world.ledger.slice(-2)) row.bookedAtMs += 86_400_000
      }),
      /: its reference is none of a uptime_bonus$/,
    )
    assert.match(
      await lines((world) => Object.assign(world.accounts.get('node-a') as object, { rewards: 0 })),
      /^account: account node-a: rewards is 0, expected 1$/,
    )
  })
})

describe('commands and heartbeats', () => {
  const settle: RequestAttempt = {
    nodeId: 'node-a',
    id: 'b'.repeat(32),
    kind: 'settle',
    outcome: 'accepted',
    atMs: NOON_MS,
    reservationId: null,
    impressions: 0,
  }
  const decided = { nodeId: 'node-a', id: settle.id, kind: 'settle', status: 200 }

  it('names a command that was not decided, decided twice, or never sent', async () => {
    await finds((world) => world.requests.push(settle), [/^command: settle node-a b+ was never decided$/])
    await finds((world) => world.requests.push({ ...settle, outcome: 'unknown' }), [])
    await finds(
      (world) => world.audit.push(decided),
      [/^command: settle b+ of node-a was decided and never sent$/],
    )
    await finds(
      (world) => {
        world.requests.push(settle)
        world.audit.push(decided, decided)
      },
      [/^command: settle b+ of node-a was decided 2 times$/],
    )
  })

  it('names impressions that are lost, or counted twice', async () => {
    const heartbeat: RequestAttempt = { ...settle, kind: 'heartbeat', id: 'c'.repeat(16), impressions: 7 }
    const line = async (outcome: RequestAttempt['outcome'], seen: number): Promise<string[]> => {
      const world = smallWorld()
      world.requests.push({ ...heartbeat, outcome }, { ...heartbeat, outcome: 'unknown' })
      Object.assign(world.accounts.get('node-a') as object, { ad_unpaid: seen })
      return await world.lines()
    }
    assert.deepEqual(await line('accepted', 7), [])
    assert.deepEqual(await line('unknown', 0), [])
    assert.deepEqual(await line('accepted', 0), ['account: account node-a: ad impressions is 0, expected 7'])
    assert.deepEqual(await line('unknown', 14), ['account: account node-a: ad impressions is 14, expected 7'])
    const world = smallWorld()
    const madeUp: RequestAttempt = {
      ...heartbeat,
      id: 'd'.repeat(16),
      impressions: -9_000,
      outcome: 'unknown',
    }
    world.requests.push({ ...heartbeat, outcome: 'accepted' }, madeUp)
    Object.assign(world.accounts.get('node-a') as object, { ad_unpaid: 7 })
    assert.deepEqual(await world.lines(), [], 'one that says less than none takes nothing away')
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { fakeClickhouse } from '../../test/support/servers/clickhouse.ts'
import type { ClickhouseClient } from './client.ts'
import { ClickhouseAway, ClickhouseRefused } from './errors.ts'
import { answersOfMajority, askMajority, failingOver } from './replicas.ts'

type Answer = 'yes' | 'no' | 'away'

const awayError = () => new ClickhouseAway('no connection')

/** Replicas that return their own name, or are away. */
function named(isAway: boolean[]): { client: ClickhouseClient; asked: number[] } {
  const asked: number[] = []
  const client = failingOver(
    isAway.map((_, place) =>
      fakeClickhouse(
        {
          rows: async () => {
            asked.push(place)
            if (isAway[place] === true) throw awayError()
            return [{ place }]
          },
        },
        'hive',
      ),
    ),
  )
  return { client, asked }
}

describe('several replicas as one client', () => {
  it('asks the first until it is away, and each call once', async () => {
    const isAway = [false, false, false]
    const { client, asked } = named(isAway)
    await client.rows('')
    isAway[0] = true
    await assert.rejects(client.rows(''), ClickhouseAway)
    await client.rows('')
    isAway[0] = false
    await client.rows('')
    assert.deepEqual(asked, [0, 0, 1, 1], 'it stays where it is answered')
    isAway[1] = isAway[2] = true
    await assert.rejects(client.rows(''), ClickhouseAway)
    await assert.rejects(client.rows(''), ClickhouseAway)
    await client.rows('')
    assert.deepEqual(asked.slice(4), [1, 2, 0], 'round to the first')
  })

  it('moves on once for all that fail together', async () => {
    const isAway = [true, false, false]
    const { client, asked } = named(isAway)
    await Promise.allSettled([client.rows(''), client.rows(''), client.rows('')])
    await client.rows('')
    assert.deepEqual(asked, [0, 0, 0, 1])
  })

  it('stays after a refusal', async () => {
    let asked = 0
    const refusing = fakeClickhouse(
      {
        rows: async () => {
          asked++
          throw new ClickhouseRefused('no such table', { code: 60 })
        },
      },
      'hive',
    )
    const client = failingOver([refusing, fakeClickhouse({}, 'hive')])
    await assert.rejects(client.rows(''), ClickhouseRefused)
    await assert.rejects(client.rows(''), ClickhouseRefused)
    assert.equal(asked, 2)
  })

  it('asks one replica for all of a piece of work, also when another call moves on meanwhile', async () => {
    const isAway = [false, false]
    const { client, asked } = named(isAway)
    await client.onOneReplica(async (replica) => {
      await replica.rows('')
      isAway[0] = true
      await assert.rejects(client.rows(''), ClickhouseAway)
      isAway[0] = false
      await replica.rows('')
    })
    assert.deepEqual(asked, [0, 0, 0])
  })
})

describe('a majority', () => {
  const cluster = (answers: readonly Answer[]): ClickhouseClient =>
    failingOver(
      answers.map((answer) =>
        fakeClickhouse(
          {
            rows: async () => {
              if (answer === 'away') throw awayError()
              return [{ held: answer === 'yes' }]
            },
          },
          'hive',
        ),
      ),
    )
  const held = async (replica: ClickhouseClient): Promise<boolean> =>
    (await replica.rows<{ held: boolean }>(''))[0]?.held === true
  const say = async (answers: readonly Answer[]): Promise<boolean | 'away'> =>
    await askMajority(cluster(answers), held).catch((error: unknown) => {
      assert(error instanceof ClickhouseAway, String(error))
      return 'away' as const
    })

  it('says yes or no only where more than half do, and none that answers says yes to a no', async () => {
    for (const [answers, said] of [
      [['yes'], true],
      [['no'], false],
      [['away'], 'away'],
      [['yes', 'yes'], true],
      [['yes', 'no'], 'away'],
      [['yes', 'away'], 'away'],
      [['no', 'no'], false],
      [['no', 'away'], 'away'],
      [['yes', 'yes', 'away'], true],
      [['yes', 'yes', 'no'], true],
      [['yes', 'no', 'no'], 'away'],
      [['yes', 'no', 'away'], 'away'],
      [['no', 'no', 'away'], false],
      [['no', 'away', 'away'], 'away'],
    ] as const) {
      assert.equal(await say(answers), said, answers.join(' '))
    }
  })

  it('never says no of what a majority has acknowledged, whoever is away', async () => {
    const replica = fc.record({ has: fc.boolean(), isAway: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(replica, { minLength: 1, maxLength: 5 }), async (replicas) => {
        const owners = replicas.filter(({ has }) => has).length
        const acknowledged = owners > replicas.length / 2
        const said = await say(replicas.map(({ has, isAway }) => (isAway ? 'away' : has ? 'yes' : 'no')))
        if (acknowledged) assert.notEqual(said, false)
        if (said === true) assert.ok(acknowledged)
      }),
    )
  })

  it('does not wait for a replica that hangs', async () => {
    const hanging = fakeClickhouse({ rows: () => new Promise(() => {}) }, 'hive')
    const answering = (seq: number) => fakeClickhouse({ rows: async () => [{ held: true, seq }] }, 'hive')
    const client = failingOver([hanging, answering(3), answering(5)])
    assert.equal(await askMajority(client, held), true)
    const seqs = await answersOfMajority(client, async (replica) => {
      const [row] = await replica.rows<{ seq: number }>('')
      return row?.seq ?? 0
    })
    assert.deepEqual(
      [...seqs].toSorted((left, right) => left - right),
      [3, 5],
    )
  })

  it('passes on what a replica refuses', async () => {
    const refusing = fakeClickhouse(
      { rows: async () => Promise.reject(new ClickhouseRefused('no', { code: 60 })) },
      'hive',
    )
    await assert.rejects(askMajority(failingOver([refusing, refusing]), held), ClickhouseRefused)
  })
})

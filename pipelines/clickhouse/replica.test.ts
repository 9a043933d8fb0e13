import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fakeClickhouse } from '../../test/support/servers/clickhouse.ts'
import { ClickhouseAway } from './errors.ts'
import { SharedRun } from './shared-run.ts'

describe('one replica', () => {
  it('waits for its rows on a cluster, table by table, and asks nothing of a single server', async () => {
    const asked: string[] = []
    const command = async (sql: string, _params: unknown, settings: unknown) => {
      asked.push(`${sql} ${JSON.stringify(settings)}`)
    }
    await fakeClickhouse({ command }).sync(['t'])
    assert.deepEqual(asked, [])
    await fakeClickhouse({ command }, 'hive').sync(['t', 'u'])
    assert.deepEqual(asked, [
      'SYSTEM SYNC REPLICA t LIGHTWEIGHT {"receive_timeout":2}',
      'SYSTEM SYNC REPLICA u LIGHTWEIGHT {"receive_timeout":2}',
    ])
  })

  it('is found out where two servers answer under its address in one piece of work', async () => {
    const names = ['a', 'a', 'b', 'b']
    const said = { rows: async () => [], command: async () => {} }
    const balanced = () => fakeClickhouse(said, 'hive', () => names.shift() ?? 'b')
    const client = balanced()
    await client.onOneReplica(async (replica) => {
      await replica.rows('')
      await replica.sync(['t'])
      await assert.rejects(replica.rows(''), {
        name: 'ClickhouseAway',
        message:
          /a and b answer under one address\. Name the address of each replica in HIVEMETER_CLICKHOUSE_URL/,
      })
    })
    // Between pieces of work this may happen: a server is replaced by another one.
    await client.onOneReplica((replica) => replica.rows(''))
  })

  it('is found out by a wait as well', async () => {
    const names = ['a', 'b']
    const said = { rows: async () => [], command: async () => {} }
    const client = fakeClickhouse(said, 'hive', () => names.shift() ?? '')
    await assert.rejects(
      client.onOneReplica(async (replica) => {
        await replica.rows('')
        await replica.sync(['t'])
      }),
      ClickhouseAway,
    )
  })
})

describe('a shared run', () => {
  it('begins after the call: who meets one under way shares the next', async () => {
    const begun: PromiseWithResolvers<number>[] = []
    const shared = new SharedRun(() => {
      const run = Promise.withResolvers<number>()
      begun.push(run)
      return run.promise
    })
    const first = shared.run()
    const [second, third] = [shared.run(), shared.run()]
    assert.equal(begun.length, 1)
    begun[0]?.resolve(1)
    assert.equal(await first, 1)
    await new Promise(setImmediate)
    assert.equal(begun.length, 2)
    const fourth = shared.run()
    begun[1]?.reject(new Error('away'))
    await assert.rejects(second, /away/)
    await assert.rejects(third, /away/)
    await new Promise(setImmediate)
    begun[2]?.resolve(3)
    assert.equal(await fourth, 3)
    assert.equal(begun.length, 3)
  })
})

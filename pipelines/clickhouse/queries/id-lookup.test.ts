import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeClickhouse } from '../../../test/support/servers/clickhouse.ts'
import { idLookup } from './id-lookup.ts'

const KEYS = [{ nodeId: 'n', occurredAtMs: 0, eventId: Buffer.alloc(16, 1), kind: 'id' as const }]

/** A replica that has `watermarks` up to 7, and the event of the key only once it was waited for. */
function lagging() {
  const asked: string[] = []
  let hasRows = false
  const client = fakeClickhouse(
    {
      rows: async (sql) => {
        const isLook = sql.includes('usage_events')
        asked.push(isLook ? 'rows' : 'watermarks')
        const loaded = { node: '', id: '', kind: '', content: '0', loaded: '7' }
        const id = '01010101-0101-0101-0101-010101010101'
        return isLook && hasRows
          ? [loaded, { node: 'n', id, kind: 'id', content: '5', loaded: '' }]
          : [loaded]
      },
      command: async (sql) => {
        asked.push(sql)
        hasRows = true
      },
    },
    'hive',
  )
  return { asked, lookup: idLookup(client, 'usage.blocks') }
}

test('a replica that fetched watermarks before the rows is waited for between the two', async () => {
  const { asked, lookup } = lagging()
  const found = await lookup(0, 7, KEYS)
  assert.equal(found?.size, 1)
  assert.deepEqual(asked, ['watermarks', 'SYSTEM SYNC REPLICA usage_events LIGHTWEIGHT', 'rows'])
})

test('a replica that has not loaded what left memory is away, and is not waited for', async () => {
  const { asked, lookup } = lagging()
  assert.equal(await lookup(0, 8, KEYS), null)
  assert.deepEqual(asked, ['watermarks'])
})

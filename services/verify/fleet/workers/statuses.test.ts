import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { FleetFace } from '../../../../schemas/fleet/page-records.ts'
import { someLog } from '../../../../test/support/fleet/pages/random-log.ts'
import { workersLog, workersOf } from '../../../../test/support/fleet/pages/workers-log.ts'
import type { Row } from '../../../../test/support/oracles/row-reader.ts'
import { fakeClickhouse } from '../../../../test/support/servers/clickhouse.ts'
import { Differences } from '../../differences.ts'
import { Tables } from '../../tables.ts'
import { compareStatuses } from './statuses.ts'

const BLOCKS = { topic: 'fleet.blocks', partition: 0, seqBelow: 1_000_000 }

async function compared(rows: readonly Row[], faces: ReadonlyMap<string, FleetFace>) {
  const differences = new Differences()
  const tables = new Tables(fakeClickhouse({ rows: () => Promise.resolve([...rows]) }))
  const changes = await compareStatuses({ tables, differences }, BLOCKS, faces)
  return { changes, differences: differences.lines() }
}

/** Rows as the query orders them. */
function inOrder(rows: readonly Row[]): Row[] {
  const nameOf = (row: Row): string =>
    `${String(row['worker_id'])} ${String(row['version']).padStart(6, '0')}`
  return rows.toSorted((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1))
}

test('what a task tells of workers follows from itself, and one change that is missing or another is a difference', async () => {
  let all = 0
  await fc.assert(
    fc.asyncProperty(someLog, fc.nat(1_000), async ({ input, script }, choice) => {
      const log = workersLog(input, script)
      await log.run()
      const rows = inOrder(log.rows('fleet_status'))
      const { faces } = workersOf(log)
      const { changes, differences } = await compared(rows, faces)
      assert.deepEqual(differences, [])
      assert.equal(changes, rows.length)
      all += changes
      if (rows.length === 0) return
      const nth = choice % rows.length
      const other = rows.map((row, at) => (at === nth ? { ...row, status: 'another' } : row))
      // The last change of a worker that is in no count any more is followed by nothing.
      const { worker_id, version } = rows[nth] ?? {}
      const isFollowed = rows.some(
        (row) => row['worker_id'] === worker_id && Number(row['version']) > Number(version),
      )
      const isTold = [...faces.values()].some((face) => face.worker_id === worker_id)
      assert.equal((await compared(other, faces)).differences.length > 0, isFollowed || isTold)
      // Of a first change that is missing nobody knows: rows are kept for 400 days.
      if (isFollowed && Number(version) > 1)
        assert.notDeepEqual((await compared(rows.toSpliced(nth, 1), faces)).differences, [])
    }),
    { numRuns: 15, seed: 49 },
  )
  assert.ok(all > 60, `${all} changes`)
})

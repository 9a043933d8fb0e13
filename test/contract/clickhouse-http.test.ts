import { after, before, describe } from 'node:test'
import { describeConnections } from './clickhouse-http/connections.ts'
import { describeDrivers } from './clickhouse-http/drivers.ts'
import { describeErrors } from './clickhouse-http/errors.ts'
import { describeInserts } from './clickhouse-http/inserts.ts'
import { describeNative } from './clickhouse-http/native.ts'
import { describeParameters } from './clickhouse-http/parameters.ts'
import { describeReads } from './clickhouse-http/reads.ts'
import { openTarget, type Target } from './clickhouse-http/target.ts'

/*
 * ClickHouse's HTTP interface as the official client sees it. HIVEMETER_CLICKHOUSE_URL names a server to run against (any
 * server, also a real one); without it the local ClickHouse is started. Where the two differ by design, the tests state
 * both.
 */
describe('clickhouse over http', () => {
  let opened: Target | undefined
  const target = (): Target => {
    if (!opened) throw new Error('The server under test is not open.')
    return opened
  }
  before(async () => {
    opened = await openTarget(process.env['HIVEMETER_CLICKHOUSE_URL'])
  })
  after(async () => {
    await opened?.close()
  })
  describeReads(target)
  describeParameters(target)
  describeInserts(target)
  describeNative(target)
  describeErrors(target)
  describeConnections(target)
  describeDrivers(target)
})

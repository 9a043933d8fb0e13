import { after, before, describe } from 'node:test'
import { openClickhouseStore } from './block-store/clickhouse.ts'
import { describeInserts } from './block-store/inserts.ts'
import { openMemoryStore } from './block-store/memory.ts'
import type { StoreTarget } from './block-store/target.ts'

// The guarantees that the loader needs, tested on ClickHouse and on the store that replaces it in the simulation.
const WITHOUT_SERVERS = ['HIVEMETER_KAFKA_BROKERS', 'HIVEMETER_CLICKHOUSE_URL'].some(
  (name) => process.env[name] === undefined,
)
  ? 'no servers are named in the environment: npm test -- test/contract/block-store.test.ts starts them'
  : false

function describeStore(name: string, skip: string | false, open: () => Promise<StoreTarget>): void {
  describe(name, { skip }, () => {
    let opened: StoreTarget | undefined
    const target = (): StoreTarget => {
      if (opened === undefined) throw new Error('The store under test is not open.')
      return opened
    }
    before(async () => {
      opened = await open()
    })
    after(() => opened?.close())
    describeInserts(target)
  })
}

describeStore('the store in memory', false, async () => openMemoryStore())
describeStore('ClickHouse', WITHOUT_SERVERS, openClickhouseStore)

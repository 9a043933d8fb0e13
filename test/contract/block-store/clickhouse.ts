import { openBlockStore } from '../../../pipelines/load/store.ts'
import { clickhouseAt } from '../../support/servers/clickhouse.ts'
import { install } from '../../support/processes/installation.ts'
import { freePort } from '../../support/processes/service-process.ts'
import type { StoreTarget } from './target.ts'

/** ClickHouse at HIVEMETER_CLICKHOUSE_URL, through the loader's own adapter. */
export async function openClickhouseStore(): Promise<StoreTarget> {
  const installation = await install({ name: 'contract_store', partitions: 1 })
  const unreachable = clickhouseAt(`http://127.0.0.1:${await freePort()}`, installation.database)
  return {
    store: openBlockStore(installation.clickhouse),
    away: openBlockStore(unreachable),
    count: async (table, topic) => {
      const { rows } = await installation.row<{ rows: string }>(
        `SELECT count() AS rows FROM ${table} WHERE src_topic = '${topic}'`,
      )
      return Number(rows)
    },
    close: async () => {
      await unreachable.close()
      await installation.dispose()
    },
  }
}

import { readFileSync } from 'node:fs'
import { openClickhouse } from '../pipelines/clickhouse/client.ts'
import type { ClickhouseClient, ClickhouseOptions } from '../pipelines/clickhouse/client.ts'
import type { Config } from './config.ts'

/** What a service asks of its connection beside what the settings say. */
export type ClickhouseChoices = Partial<Pick<ClickhouseOptions, 'database' | 'requestTimeoutMs'>>

/** Opens ClickHouse as the settings name it: the one place that reads them for it. */
export function clickhouseOf(config: Config, choices: ClickhouseChoices = {}): ClickhouseClient {
  return openClickhouse({
    url: config.clickhouseUrl,
    user: config.clickhouseUser,
    password: config.clickhousePassword,
    database: config.clickhouseDatabase,
    ca: config.clickhouseCaFile === '' ? undefined : readFileSync(config.clickhouseCaFile, 'utf8'),
    ...choices,
  })
}

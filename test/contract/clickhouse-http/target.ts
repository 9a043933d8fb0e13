import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import {
  type BaseQueryParams,
  type ClickHouseClient,
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClientConfigOptions,
} from '@clickhouse/client'
import { startClickhouse } from '../../../infra/local/clickhouse/start.ts'

const PORT = 26_230
/** The client logs every error that it also throws. */
const QUIET = { level: ClickHouseLogLevel.OFF }

/** The server under test, with a database for this run alone. */
export interface Target {
  readonly url: string
  readonly client: ClickHouseClient
  readonly database: string
  /** True for the local ClickHouse, false for a real server. */
  readonly isLocal: boolean
  /** A client with other options; closed with the target. */
  connect(options: ClickHouseClientConfigOptions): ClickHouseClient
  /** Creates a table and returns its name. `columns` may continue after the list: `(a Int8) ENGINE = Memory`. */
  table(columns: string): Promise<string>
  /** The rows of a statement as JSON values. */
  rows(query: string, options?: BaseQueryParams): Promise<unknown[]>
  /** Sends an INSERT with these bytes as its data. */
  send(query: string, data: Uint8Array, options?: BaseQueryParams): Promise<SendResult>
  close(): Promise<void>
}

export interface SendResult {
  readonly writtenRows: number
}

/** Opens the server at `url`, or starts a local one. */
export async function openTarget(url: string | undefined): Promise<Target> {
  await using opening = new AsyncDisposableStack()
  let address = url
  if (address === undefined) {
    const dir = await mkdtemp(join(tmpdir(), 'hivemeter-clickhouse-'))
    opening.defer(() => rm(dir, { recursive: true, force: true }))
    const server = await startClickhouse({ dir, port: PORT })
    opening.defer(() => server.stop())
    address = server.url
  }
  const database = `contract_${randomBytes(6).toString('hex')}`
  const connect = (options: ClickHouseClientConfigOptions): ClickHouseClient => {
    const client = createClient({ url: address, database, log: QUIET, ...options })
    opened.defer(() => client.close())
    return client
  }
  const admin = createClient({ url: address, log: QUIET })
  opening.defer(() => admin.close())
  const { response_headers: headers } = await admin.command({ query: `CREATE DATABASE ${database}` })
  opening.defer(async () => {
    await admin.command({ query: `DROP DATABASE ${database}` })
  })
  const opened = opening.move()
  const client = connect({})
  return {
    url: address,
    client,
    database,
    isLocal: headers['x-clickhouse-server-display-name'] === 'hivemeter-local',
    connect,
    table: (columns) => createTable(client, columns),
    rows: async (query, options) => {
      const result = await client.query({ query, format: 'JSONEachRow', ...options })
      return result.json()
    },
    send: (query, data, options) => send(client, query, data, options),
    close: () => opened.disposeAsync(),
  }
}

async function createTable(client: ClickHouseClient, columns: string): Promise<string> {
  const name = `t_${randomBytes(6).toString('hex')}`
  const engine = columns.includes('ENGINE') ? '' : ' ENGINE = MergeTree ORDER BY tuple()'
  await client.command({ query: `CREATE TABLE ${name} ${columns}${engine}` })
  return name
}

async function send(
  client: ClickHouseClient,
  query: string,
  data: Uint8Array,
  options: BaseQueryParams = {},
): Promise<SendResult> {
  const result = await client.exec({
    query,
    values: Readable.from([data], { objectMode: false }),
    ...options,
  })
  await buffer(result.stream)
  return { writtenRows: Number(result.summary?.written_rows ?? Number.NaN) }
}

import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import type { ClickHouseSettings } from '@clickhouse/client'
import type { BlockFormat } from '../../schemas/tables.ts'
import { ClickhouseRefused, clickhouseError } from './errors.ts'
import { failingOver } from './replicas.ts'
import { replicaOf } from './replica.ts'
import type { Statements } from './replica.ts'
import { SECOND_MS } from '../../schemas/units.ts'

export { ClickhouseAway, ClickhouseRefused } from './errors.ts'

/** Values of `{name:Type}` in a statement; ClickHouse checks the type. */
export type QueryParams = Readonly<
  Record<string, string | number | bigint | readonly string[] | readonly number[]>
>

/** ClickHouse's settings for one statement, as they are in the query string. */
export type QuerySettings = Readonly<Record<string, string | number>>

/** Rows that are sent in one INSERT. */
export interface RawInsert {
  readonly table: string
  /** In the order of the rows' columns. */
  readonly columns: readonly string[]
  readonly format: BlockFormat
  /** Rows in zstd frames: the frames one after the other, cut anywhere. */
  readonly body: readonly Buffer[]
  readonly settings?: QuerySettings
}

export interface ClickhouseOptions {
  /** One address, or those of all replicas of a cluster with commas between them: the first one is used first. */
  readonly url: string
  /** Name of the cluster to which the replicas at these addresses belong; empty or not given: a single server. */
  readonly cluster?: string
  readonly user: string
  readonly password: string
  readonly database: string
  /** Certificates (PEM) of the authorities that are trusted for https; the system's where it is not given. */
  readonly ca?: string | undefined
  /** Longest wait for an answer; the server gets a limit that is a second shorter. */
  readonly requestTimeoutMs?: number
  readonly connectionsMax?: number
}

/**
 * Sends statements to ClickHouse over HTTP. Every method throws `ClickhouseAway` (no answer, or "not now": the outcome is
 * unknown) or `ClickhouseRefused` (it answered, and would refuse the same again); nothing is tried twice. After a
 * `ClickhouseAway` the next call goes to the next address, where there are several. Integers of 64 and 128 bits are
 * returned as strings, times as ISO 8601 in UTC.
 */
export interface ClickhouseClient extends Statements {
  /** Name of the cluster; empty for a single server. */
  readonly cluster: string
  /** One client for each address. */
  readonly replicas: readonly ClickhouseClient[]
  /**
   * Waits until the replica has all rows of these tables that it can know of now: if `watermarks` was read there before,
   * all rows up to the number that it held. Does nothing on a single server. Throws ClickhouseAway after 2 s.
   */
  sync(tables: readonly string[]): Promise<void>
  /** Sends all statements of `work` to one and the same replica. */
  onOneReplica<Answer>(work: (replica: ClickhouseClient) => Promise<Answer>): Promise<Answer>
  close(): Promise<void>
}

const REQUEST_TIMEOUT_MS = 10_000
const CONNECTIONS_MAX = 16

/**
 * Below the 3 s after which old servers close an idle connection (new ones: 10 s), so that none is closed under a
 * request.
 */
const IDLE_SOCKET_MS = 2_000

/** The part of the timeout that the server does not get, so that it reports the reason before the client stops waiting. */
const ANSWER_MARGIN_MS = 1_000

export const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

/** The single addresses of a list. */
export function addressesOf(url: string): readonly string[] {
  return url.split(',')
}

/** Opens a client; no connection is made before the first statement. */
export function openClickhouse(options: ClickhouseOptions): ClickhouseClient {
  const cluster = options.cluster ?? ''
  return failingOver(
    addressesOf(options.url).map((url) => {
      const client = clientAt(url, options)
      return replicaOf({
        cluster,
        statements: (heard) => statementsOf(client, heard),
        close: () => client.close(),
      })
    }),
  )
}

type HttpClient = ReturnType<typeof createClient>

function clientAt(url: string, options: ClickhouseOptions): HttpClient {
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  return createClient({
    url,
    username: options.user,
    password: options.password,
    database: options.database,
    ...(options.ca === undefined ? {} : { tls: { ca_cert: Buffer.from(options.ca) } }),
    application: 'hivemeter',
    request_timeout: requestTimeoutMs,
    max_open_connections: options.connectionsMax ?? CONNECTIONS_MAX,
    keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_MS, eagerly_destroy_stale_sockets: true },
    // Errors are thrown to the caller, which logs them once and with what it was doing.
    log: { level: ClickHouseLogLevel.OFF },
    // A list of ids does not fit into a URL.
    use_multipart_params_auto: true,
    clickhouse_settings: {
      // Acknowledged rows must be in a part: the loader's look and the tokens depend on that.
      async_insert: 0,
      // Otherwise doubles would round 64-bit sums on both sides.
      output_format_json_quote_64bit_integers: 1,
      date_time_output_format: 'iso',
      max_execution_time: Math.max(1, (requestTimeoutMs - ANSWER_MARGIN_MS) / SECOND_MS),
    },
  })
}

/** The header in which a server names itself in every answer; the local engine sends none. */
const SERVER_NAME_HEADER = 'x-clickhouse-server-display-name'

function statementsOf(client: HttpClient, heard: (serverName: string) => void): Statements {
  const hear = ({ [SERVER_NAME_HEADER]: name }: Record<string, string | string[] | undefined>): void => {
    if (typeof name === 'string') heard(name)
  }
  return {
    command: async (sql, params = {}, settings = {}) => {
      try {
        const done = await client.command({
          query: sql,
          query_params: params,
          clickhouse_settings: settingsOf(settings),
        })
        hear(done.response_headers)
      } catch (error) {
        throw clickhouseError(error, 'run a statement')
      }
    },
    rows: async <T>(sql: string, params: QueryParams = {}, settings: QuerySettings = {}): Promise<T[]> => {
      try {
        const result = await client.query({
          query: sql,
          format: 'JSONEachRow',
          query_params: params,
          clickhouse_settings: settingsOf(settings),
        })
        hear(result.response_headers)
        return await result.json<T>()
      } catch (error) {
        throw clickhouseError(error, 'answer a query')
      }
    },
    insertRaw: async ({ table, columns, format, body, settings = {} }) => {
      // Table and columns come from a block's headers: they may only be names, never SQL.
      for (const name of [table, ...columns]) {
        if (IDENTIFIER.test(name)) continue
        throw new ClickhouseRefused(`"${name}" is no name of a table or column of ClickHouse.`, { code: 0 })
      }
      try {
        const { stream } = await client.exec({
          query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT ${format}`,
          values: Readable.from(body, { objectMode: false }),
          http_headers: { 'content-encoding': 'zstd' },
          clickhouse_settings: settingsOf(settings),
        })
        // The socket is not released until the answer is read to its end.
        await finished(stream.resume())
      } catch (error) {
        throw clickhouseError(error, `take rows for ${table}`)
      }
    },
  }
}

/** Our settings are plain names and values, while the client's type lists each one by name. */
function settingsOf(settings: QuerySettings): ClickHouseSettings {
  return settings
}

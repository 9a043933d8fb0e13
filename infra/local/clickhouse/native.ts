import { createRequire } from 'node:module'

/** An open connection of the engine: an opaque handle of the addon. */
export type Connection = object & { readonly brand: unique symbol }

/** A running streamed query: an opaque handle of the addon. */
export type StreamHandle = object & { readonly brand: unique symbol }

/** What a finished statement returns. `bytes` is the output in the requested format. */
export interface QueryResult {
  readonly bytes: Uint8Array
  readonly rowsRead: number
  readonly bytesRead: number
}

/** What a finished raw insert returns; rows of dependent views are counted too, as on a server. */
export interface InsertResult {
  readonly rowsWritten: number
  readonly bytesWritten: number
}

/** The engine's own classification of a text: 0 reads, 1 writes, 3 controls (SET, KILL), 4 cannot be parsed. */
export interface Classification {
  readonly statementCount: number
  readonly queryClass: number
}

/**
 * The functions of the chdb addon that are used here. They are not a documented API: package.json pins the version, and
 * test/contract/clickhouse-http.test.ts fails when one changes its behaviour.
 * Every promise occupies one libuv thread until it settles. A handle must not be closed while a call on it runs.
 */
export interface Addon {
  CreateConnection(path: string, settings: readonly string[]): Connection
  CloseConnection(connection: Connection): void
  QueryAsyncConnection(connection: Connection, sql: string, format: string): Promise<QueryResult>
  InsertRawAsyncConnection(
    connection: Connection,
    prefix: string,
    data: Uint8Array,
    countLines: boolean,
  ): Promise<InsertResult>
  StreamQuery(connection: Connection, sql: string, format: string): StreamHandle
  StreamFetch(handle: StreamHandle): Promise<{ readonly bytes: Uint8Array; readonly done: boolean }>
  StreamCancel(handle: StreamHandle): void
  DurableClassifyAsync(connection: Connection, sql: string, database: string): Promise<Classification>
}

const PACKAGE_BY_PLATFORM: Readonly<Record<string, string>> = {
  'linux-x64': '@chdb/lib-linux-x64-gnu',
  'linux-arm64': '@chdb/lib-linux-arm64-gnu',
  'darwin-x64': '@chdb/lib-darwin-x64',
  'darwin-arm64': '@chdb/lib-darwin-arm64',
}

/**
 * Loads the engine (about 570 MB of shared library) into this process.
 * The addon is loaded without chdb's own JavaScript, because that allows only text formats.
 * @throws Error that names the platform or the package when there is no engine for it.
 */
export function loadAddon(): Addon {
  const platform = `${process.platform}-${process.arch}`
  const name = PACKAGE_BY_PLATFORM[platform]
  if (name === undefined) {
    throw new Error(
      `The local ClickHouse does not exist for ${platform}: point HIVEMETER_CLICKHOUSE_URL at a server instead.`,
    )
  }
  const fromHere = createRequire(import.meta.url)
  // The platform package belongs to chdb, so it is looked up from chdb's own place, hoisted or not.
  const fromChdb = createRequire(fromHere.resolve('chdb/package.json'))
  try {
    return fromChdb(name) as Addon
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`The engine ${name} cannot be loaded: ${reason}. Install again: npm install.`, {
      cause: error,
    })
  }
}

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Addon, Classification, Connection } from './native.ts'
import { quoteString } from './settings.ts'
import { readSyntaxTree, type SyntaxNode } from './syntax-tree.ts'
import { type FunctionRow, Vocabulary } from './vocabulary.ts'
import { GIB, MIB } from '../../../schemas/units.ts'

/** Memory of the engine as a whole; a statement that would exceed it fails with code 241. */
const SERVER_MEMORY_MAX_BYTES = 3 * GIB
/** The engine's defaults are 5 GiB each, which suit servers. */
const CACHE_MAX_BYTES = 128 * MIB
/** Query parameters are sent as SET text, which this bounds too (the engine's default is 256 KiB). */
const STATEMENT_MAX_BYTES = 256 * MIB
/**
 * While a cancelled statement still runs, the KILL is repeated: the first one may come before the statement is registered.
 */
const KILL_AGAIN_MS = 100
const CLASSIFIED_MAX = 5_000
const CLASSIFIED_STATEMENT_MAX_BYTES = 4_096

const CONFIG = `<clickhouse>
  <max_server_memory_usage>${SERVER_MEMORY_MAX_BYTES}</max_server_memory_usage>
  <mark_cache_size>${CACHE_MAX_BYTES}</mark_cache_size>
  <primary_index_cache_size>${CACHE_MAX_BYTES}</primary_index_cache_size>
  <index_mark_cache_size>${CACHE_MAX_BYTES}</index_mark_cache_size>
</clickhouse>
`

/** The data directory belongs to another process. */
export class DirectoryInUse extends Error {}

/** The ClickHouse engine on one data directory. The kernel locks the directory for as long as this process lives. */
export class Engine {
  readonly version: string
  readonly timezone: string
  readonly addon: Addon
  /** The functions that the engine has, and those that a statement from outside may call. */
  readonly vocabulary: Vocabulary
  readonly #dir: string
  readonly #arguments: readonly string[]
  /** Stays open: the engine remains loaded with its caches as long as one connection is open. It classifies and kills. */
  readonly #root: Connection
  readonly #classified = new Map<string, Classification>()

  private constructor(
    addon: Addon,
    dir: string,
    root: Connection,
    about: readonly [string, string],
    vocabulary: Vocabulary,
  ) {
    this.addon = addon
    this.vocabulary = vocabulary
    this.#dir = dir
    this.#arguments = connectionArguments(dir)
    this.#root = root
    this.version = about[0]
    this.timezone = about[1]
  }

  /**
   * Opens the engine on a directory, which is made if it is missing.
   * @throws DirectoryInUse if another process has it. After a kill -9 of that process no lock is left.
   */
  static async open(addon: Addon, dir: string): Promise<Engine> {
    // The engine takes its time zone from here only; times without a zone must not depend on the machine's zone.
    process.env['TZ'] = 'UTC'
    mkdirSync(dir, { recursive: true })
    writeWhole(join(dir, 'engine.xml'), CONFIG)
    const root = openRoot(addon, dir)
    const { bytes } = await addon.QueryAsyncConnection(
      root,
      'SELECT version(), timezone()',
      'TabSeparatedRaw',
    )
    const [version = '', timezone = ''] = Buffer.from(bytes).toString().trim().split('\t')
    return new Engine(addon, dir, root, [version, timezone], await readVocabulary(addon, root))
  }

  /** A connection of its own for one request or session: settings, parameters and temporary tables stay within it. */
  connect(): Connection {
    return this.addon.CreateConnection(this.#dir, this.#arguments)
  }

  /** Closes a connection on which nothing runs. */
  disconnect(connection: Connection): void {
    this.addon.CloseConnection(connection)
  }

  /** The number of statements that a text holds and what they do, by the engine's own parser. */
  async classify(sql: string): Promise<Classification> {
    const known = this.#classified.get(sql)
    if (known) return known
    const found = await this.addon.DurableClassifyAsync(this.#root, sql, 'default')
    if (sql.length <= CLASSIFIED_STATEMENT_MAX_BYTES) {
      if (this.#classified.size >= CLASSIFIED_MAX) this.#classified.clear()
      this.#classified.set(sql, found)
    }
    return found
  }

  /**
   * The engine's own syntax tree of one statement that `classify` counted as one and `judgeText` did not refuse; nothing
   * of it runs. Parameters of the statement are those that are set on the connection. Undefined if the tree cannot be read.
   */
  async syntaxTree(connection: Connection, sql: string): Promise<SyntaxNode | undefined> {
    const { bytes } = await this.addon.QueryAsyncConnection(
      connection,
      `EXPLAIN AST ${sql}`,
      'TabSeparatedRaw',
    )
    return readSyntaxTree(Buffer.from(bytes).toString())
  }

  /** Throws the engine's syntax error for a text that it cannot parse. The text is a value here, so nothing of it can run. */
  async syntaxError(sql: string): Promise<void> {
    await this.addon.QueryAsyncConnection(this.#root, `SELECT formatQuery(${quoteString(sql)})`, 'Null')
  }

  /** Cancels the statement whose log_comment is `tag`, repeatedly until `ended` aborts. */
  cancel(tag: string, ended: AbortSignal): void {
    // ASYNC, because the SYNC form was seen to hang.
    const sql = `KILL QUERY WHERE Settings['log_comment'] = ${quoteString(tag)} ASYNC`
    const tell = (): void => {
      this.addon.QueryAsyncConnection(this.#root, sql, 'Null').catch((error: unknown) => {
        console.error(`A statement could not be cancelled: ${String(error)}`)
      })
    }
    if (ended.aborted) return
    tell()
    const timer = setInterval(tell, KILL_AGAIN_MS)
    ended.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  /** How far the statement whose log_comment is `tag` has come, as JSON for a header; undefined where none runs. */
  async progressOf(tag: string): Promise<string | undefined> {
    const sql = `SELECT toString(read_rows) AS read_rows, toString(read_bytes) AS read_bytes,
        toString(written_rows) AS written_rows, toString(written_bytes) AS written_bytes,
        toString(total_rows_approx) AS total_rows_to_read, '0' AS result_rows, '0' AS result_bytes,
        toString(toUInt64(elapsed * 1e9)) AS elapsed_ns, toString(memory_usage) AS memory_usage
      FROM system.processes WHERE Settings['log_comment'] = ${quoteString(tag)} LIMIT 1`
    const { bytes } = await this.addon.QueryAsyncConnection(this.#root, sql, 'JSONEachRow')
    return Buffer.from(bytes).toString().trim() || undefined
  }

  /** Closes the engine; every other connection must be closed before. */
  close(): void {
    this.addon.CloseConnection(this.#root)
  }
}

async function readVocabulary(addon: Addon, root: Connection): Promise<Vocabulary> {
  const read = async <Row>(sql: string): Promise<Row[]> => {
    const { bytes } = await addon.QueryAsyncConnection(root, sql, 'JSONEachRow')
    const lines = Buffer.from(bytes).toString().split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Row)
  }
  const namesOf = async (table: string): Promise<string[]> =>
    (await read<{ name: string }>(`SELECT name FROM system.${table}`)).map(({ name }) => name)
  return new Vocabulary({
    functions: await read<FunctionRow>('SELECT name, alias_to, categories FROM system.functions'),
    tableFunctions: await namesOf('table_functions'),
    combinators: await namesOf('aggregate_function_combinators'),
  })
}

function connectionArguments(dir: string): readonly string[] {
  return [
    `--config-file=${join(dir, 'engine.xml')}`,
    `--max_query_size=${STATEMENT_MAX_BYTES}`,
    // Asynchronous inserts, the default since 26.3, would acknowledge by rules other than those that the loader relies on.
    '--async_insert=0',
    // chdb reads a bare word as `SELECT word`; a server does not.
    '--implicit_select=0',
  ]
}

function openRoot(addon: Addon, dir: string): Connection {
  try {
    return addon.CreateConnection(dir, connectionArguments(dir))
  } catch (error) {
    // The addon reports only that it failed; the engine's reason went to our stderr. The lock file names its holder.
    const holder = Number(/^PID: (\d+)$/m.exec(readIfThere(join(dir, 'status')))?.[1] ?? 0)
    if (holder !== process.pid && isAlive(holder)) {
      throw new DirectoryInUse(
        `The data directory ${dir} is in use by process ${holder}. Stop that process, or choose another directory.`,
      )
    }
    throw new Error(`The engine cannot open the data directory ${dir}; its reason stands above.`, {
      cause: error,
    })
  }
}

/** Another process may be reading the old file, or this process may die halfway: so the file is never half-written. */
function writeWhole(file: string, content: string): void {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, content)
  renameSync(draft, file)
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // No lock file: then no holder to name.
  }
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // It lives, under another user.
  }
}

import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { replicaOf } from '../../../pipelines/clickhouse/replica.ts'
import type { Statements } from '../../../pipelines/clickhouse/replica.ts'
import { clickhouseOf } from '../../../services/runtime/clickhouse.ts'
import type { ClickhouseChoices } from '../../../services/runtime/clickhouse.ts'

/** A database of a server that needs no password, opened as services open theirs. `url` may be a list. */
export function clickhouseAt(
  url: string,
  database: string,
  { cluster = '', ...choices }: ClickhouseChoices & { readonly cluster?: string } = {},
): ClickhouseClient {
  const user = { clickhouseUser: 'default', clickhousePassword: '', clickhouseCaFile: '' }
  return clickhouseOf(
    { clickhouseUrl: url, clickhouseCluster: cluster, clickhouseDatabase: database, ...user },
    choices,
  )
}

/** A ClickHouse that is away: no process listens on port 1 of the loopback. */
export function clickhouseAway(): ClickhouseClient {
  return clickhouseAt('http://127.0.0.1:1', 'd')
}

/** A ClickHouse that answers as the test says; other queries do not come. */
export interface FakeAnswers {
  readonly rows?: (sql: string, params: never) => Promise<unknown[]>
  readonly command?: Statements['command']
  readonly insertRaw?: Statements['insertRaw']
}

const unexpected = (): never => {
  throw new Error('The test does not expect this to be asked.')
}

/** A client of one address: a single server, or a replica of `cluster`. */
export function fakeClickhouse(
  answers: FakeAnswers,
  cluster = '',
  serverName?: () => string,
): ClickhouseClient {
  return replicaOf({
    cluster,
    statements: (reportName) => {
      const nameServer = (): void => {
        if (serverName !== undefined) reportName(serverName())
      }
      return {
        rows: async (...[sql, params]) => {
          const rows = await (answers.rows ?? unexpected)(sql, params as never)
          nameServer()
          return rows as never[]
        },
        command: async (...statement) => {
          await (answers.command ?? unexpected)(...statement)
          nameServer()
        },
        insertRaw: answers.insertRaw ?? unexpected,
      }
    },
    close: async () => {},
  })
}

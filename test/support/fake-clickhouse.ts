import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { replicaOf } from '../../pipelines/clickhouse/replica.ts'
import type { Statements } from '../../pipelines/clickhouse/replica.ts'

/** A ClickHouse that answers as the test says; what the test does not say is not asked. */
export interface Said {
  readonly rows?: (sql: string, params: never) => Promise<unknown[]>
  readonly command?: Statements['command']
  readonly insertRaw?: Statements['insertRaw']
}

const unexpected = (): never => {
  throw new Error('The test does not expect this to be asked.')
}

/** A client of one address: a single server, or a replica of `cluster`. */
export function fakeClickhouse(said: Said, cluster = '', serverName?: () => string): ClickhouseClient {
  return replicaOf({
    cluster,
    statements: (heard) => {
      const hear = (): void => {
        if (serverName !== undefined) heard(serverName())
      }
      return {
        rows: async (...[sql, params]) => {
          const rows = await (said.rows ?? unexpected)(sql, params as never)
          hear()
          return rows as never[]
        },
        command: async (...statement) => {
          await (said.command ?? unexpected)(...statement)
          hear()
        },
        insertRaw: said.insertRaw ?? unexpected,
      }
    },
    close: async () => {},
  })
}

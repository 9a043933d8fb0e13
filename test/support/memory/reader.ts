import type { LightMyRequestResponse } from 'fastify'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { topicNames } from '../../../schemas/topics.ts'
import { opsRoutes } from '../../../services/http/ops.ts'
import type { Accounts } from '../../../services/reader/present/accounts.ts'
import { buildReader } from '../../../services/reader/app.ts'
import { assertDocumented } from '../oracles/openapi-check.ts'
import type { OpenApiDocument } from '../oracles/openapi-check.ts'
import { unheardCommands } from '../records/unheard-commands.ts'
import { MemoryModels } from './memory-models.ts'
import { putBackNothing } from './put-back.ts'
import { noInventories } from './no-inventories.ts'
import { loadedFleet } from './loaded-fleet.ts'

export const PARTITIONS = 4
export const TOPICS = topicNames('')

/** The reader without Kafka: the test feeds its accounts. */
export interface TestReader extends AsyncDisposable {
  /** Sends a request; every answer is checked against the published document. */
  get(url: string, accept?: string, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>
  /** Reads a list to its end, page by page. */
  walk<Item>(url: string, limit: number): Promise<Item[]>
}

export type TestAnswer = LightMyRequestResponse

/** The most pages that are read: a list that never ends fails. */
const PAGES_MAX = 1_000

export async function startTestReader(parts: {
  readonly accounts: Accounts
  readonly clickhouse: ClickhouseClient
  /** The time on the reader's clock. */
  readonly nowMs: number
}): Promise<TestReader> {
  const clock: Clock = { ...systemClock, nowMs: () => parts.nowMs }
  const app = await buildReader({
    putBack: putBackNothing(),
    ...noInventories(),
    models: new MemoryModels(),
    access: { mode: 'off' },
    commands: unheardCommands(),
    accounts: parts.accounts,
    table: { loaded: true, reach: async () => true },
    fleet: loadedFleet(PARTITIONS),
    clickhouse: parts.clickhouse,
    topics: TOPICS,
    partitions: PARTITIONS,
    cursorKey: Buffer.alloc(32, 1),
    clock,
    logger: silentLogger,
    metrics: noMetrics,
    ops: opsRoutes({
      readiness: () => ({ waitingFor: [], halted: [] }),
      metrics: { contentType: 'text/plain', text: async () => '' },
    }),
  })
  const document = (await app.inject('/openapi.json')).json<OpenApiDocument>()
  const get: TestReader['get'] = async (url, accept = 'application/json', more = {}) => {
    const response = await app.inject({ url, headers: { accept, ...more } })
    const contentType = String(response.headers['content-type'])
    const { statusCode, headers, body } = response
    if (statusCode !== 304) assertDocumented(document, { url, statusCode, contentType, headers, body })
    return response
  }
  return {
    get,
    walk: async <Item>(url: string, limit: number) => {
      const items: Item[] = []
      let cursor: string | null = ''
      for (let pages = 0; cursor !== null; pages++) {
        if (pages === PAGES_MAX) throw new Error(`${url} has more than ${PAGES_MAX} pages.`)
        const answer = await get(`${url}&limit=${limit}&cursor=${cursor}`)
        if (answer.statusCode !== 200) throw new Error(answer.body)
        const page: { items: Item[]; next_cursor: string | null } = answer.json()
        items.push(...page.items)
        cursor = page.next_cursor
      }
      return items
    },
    [Symbol.asyncDispose]: () => app.close(),
  }
}

/** Lines of RFC 4180 text as objects: a parser of its own, so that writer and test do not share a mistake. */
export function parseCsv(text: string): Record<string, string>[] {
  const rows: string[][] = [[]]
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy
  for (let match = cell.exec(text); match !== null; match = cell.exec(text)) {
    rows.at(-1)?.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === '\r\n') rows.push([])
  }
  const [head = [], ...body] = rows.slice(0, -1)
  return body.map((cells) => Object.fromEntries(head.map((name, index) => [name, cells[index] ?? ''])))
}

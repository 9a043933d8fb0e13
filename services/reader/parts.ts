import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawServerDefault,
} from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../pipelines/clock.ts'
import type { Cursors } from '../http/cursor.ts'
import { CSV_TYPE } from '../http/csv.ts'
import type { History } from './history.ts'
import type { Present } from './present.ts'

/** What the routes are made of. */
export interface RouteParts {
  readonly present: Present
  readonly history: History
  readonly cursors: Cursors
  readonly clock: Clock
}

/** The app, with requests typed by their schemas. */
export type ReaderApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export const JSON_TYPE = 'application/json'
export const FORMATS = [JSON_TYPE, 'text/csv'] as const

/** What a page shows of rows of which one more was read than it holds. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
): { readonly shown: readonly Row[]; readonly last: Row | null } {
  const shown = rows.slice(0, limit)
  return { shown, last: rows.length > limit ? (shown.at(-1) ?? null) : null }
}

/** A list begins without a cursor, and with an empty one: `?cursor=`. */
export function isFirst(cursor: string | undefined): cursor is undefined | '' {
  return cursor === undefined || cursor === ''
}

/** Sends a table, with what JSON says beside the items in headers. */
export function sendCsv(
  reply: FastifyReply,
  text: string,
  beside: { readonly asOf: string | null; readonly next?: string | null },
): FastifyReply {
  if (beside.asOf !== null) reply.header('hivemeter-as-of', beside.asOf)
  if (beside.next !== undefined && beside.next !== null) reply.header('link', `<${beside.next}>; rel="next"`)
  return reply.header('content-type', CSV_TYPE).send(text)
}

/** The same address, at the next page. */
export function nextAddress(request: FastifyRequest, cursor: string | null): string | null {
  if (cursor === null) return null
  const [path = '', query = ''] = request.url.split('?', 2)
  const parameters = new URLSearchParams(query)
  parameters.set('cursor', cursor)
  return `${path}?${parameters.toString()}`
}

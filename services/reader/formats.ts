import type { FastifyReply } from 'fastify'
import { CSV_TYPE } from '../http/csv.ts'

/** Formats of a table, the first one without an Accept header. */
export const FORMATS = ['application/json', 'text/csv'] as const

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

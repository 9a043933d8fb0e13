import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../pipelines/clock.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { guardRoutes } from '../access/access.ts'
import type { Access } from '../access/access.ts'
import type { AuditSink } from '../audit/audit-log.ts'
import { answerUnread } from './broken-request.ts'
import { packAnswers } from './codings.ts'
import { allowOrigins } from './cors.ts'
import { HEADERS } from './headers.ts'
import { readLeftovers } from './leftovers.ts'
import { answerUnrouted, noteMethods } from './methods.ts'
import { problemHandlers } from './problem.ts'
import { takeDigitsOnly } from './query-numbers.ts'
import { tagAnswers } from './tags.ts'

/** What HTTP consists of in a server, whatever its routes are. */
export interface ConventionParts {
  readonly access: Access
  /** Origins whose pages may send requests, by name; `*` for all, none by default. */
  readonly corsOrigins: readonly string[]
  /** Where the guard reports the callers that it refuses. */
  readonly audit?: AuditSink | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * HTTP as clients expect it, for every route that is registered after this: errors are problems; OPTIONS and other
 * methods are answered; numbers of a query are digits; answers have tags and are packed on request; and an early answer
 * reaches a client that still sends. The checks follow the order of the calls: first the caller, then the path, then the
 * query, then the body.
 */
export async function followConventions(app: FastifyInstance, parts: ConventionParts): Promise<void> {
  const { access, corsOrigins, clock, logger } = parts
  problemHandlers(app, logger)
  answerUnread(app)
  const methods = noteMethods(app)
  allowOrigins(app, corsOrigins, methods)
  await app.register(helmet, HEADERS)
  await guardRoutes(app, access, { audit: parts.audit, corsOrigins })
  answerUnrouted(app, methods)
  takeDigitsOnly(app)
  tagAnswers(app)
  packAnswers(app)
  readLeftovers(app, clock)
}

/** The same for a port that only the operator uses: everybody who reaches it may send requests. */
export function followOpsConventions(
  app: FastifyInstance,
  parts: Pick<ConventionParts, 'clock' | 'logger'>,
): void {
  problemHandlers(app, parts.logger)
  answerUnread(app)
  answerUnrouted(app, noteMethods(app))
  packAnswers(app)
  readLeftovers(app, parts.clock)
}

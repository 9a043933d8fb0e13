import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LoopTurns } from '../../pipelines/in-turns.ts'
import type { Clock } from '../../pipelines/clock.ts'
import type { Cursors } from '../http/cursor.ts'
import type { Commands } from './commands.ts'
import type { History } from './history/history.ts'
import type { Present } from './present/present.ts'

/** The parts that routes are made of. */
export interface RouteParts {
  readonly present: Present
  readonly history: History
  readonly commands: Commands
  readonly cursors: Cursors
  readonly clock: Clock
  /** For work that takes long. */
  readonly turns: LoopTurns
}

/** The app, with requests typed by their schemas. */
export type ReaderApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

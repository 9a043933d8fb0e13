import { ModelsBody, ModelsHeaders, ModelsUpdated, ModelsView } from '../../../schemas/http/models.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { MODELS_BYTES_MAX, WRITTEN_BY_CHARACTERS_MAX } from '../../../schemas/models.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import { Problem } from '../../http/problem.ts'
import { unavailable } from '../../http/refusal.ts'
import { tagsOf } from '../../http/tags.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import type { InstallationModels } from '../../models/follow-models.ts'
import type { KnownTable } from '../../models/known-models.ts'
import { parseModels } from '../../models/parse-models.ts'
import { ModelsNotWritten } from '../../models/write-models.ts'
import type { TableRequest, WriteOutcome } from '../../models/write-models.ts'
import { OUTCOME_TIMEOUT_MS } from '../awaited-outcomes.ts'
import { invalidFields } from './json-body.ts'
import type { ReaderApp } from '../parts.ts'
import { RETRY_BUSY_S, RETRY_LOADING_S, retryAfter } from '../../http/retry-after.ts'

const TAGS = ['models']

export interface ModelsRouteParts {
  readonly models: InstallationModels
  readonly clock: Clock
}

/** GET and PUT /api/models: which models are paid by the call, and the power that the boards of the others draw. */
export function modelsRoutes(app: ReaderApp, parts: ModelsRouteParts): void {
  readRoute(app, parts)
  writeRoute(app, parts)
}

function readRoute(app: ReaderApp, { models }: ModelsRouteParts): void {
  app.get(
    '/api/models',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'The table of models in force: paid by the call or run on the node, and board power',
        description:
          "A model's row is that of its exact name; else that with the longest beginning; else both again by its normal form: without provider (`openai/`, `us.anthropic.`), edition (`-v1:0`) and date. A model without a row runs on the node. Version 1 knows exact names only.",
        tags: TAGS,
        response: {
          200: { description: 'The table', content: { 'application/json': { schema: ModelsView } } },
          ...problemResponses('state_loading'),
        },
      },
    },
    async (_request, reply) => {
      const known = await newestOf(models)
      return reply.header('etag', tagOf(known.table.version)).send(viewOf(known))
    },
  )
}

/** One table at a time in a process: they are large, and each writer fences out the one before. */
function writeRoute(app: ReaderApp, { models, clock }: ModelsRouteParts): void {
  let isBusy = false
  app.put(
    '/api/models',
    {
      config: { scope: 'admin', body: ModelsBody, bodyBytesMax: MODELS_BYTES_MAX },
      schema: {
        summary: 'Puts another table of models in force',
        description:
          'Events that are counted from now on, a second or so, are judged by it; what was counted stays as it is. If-Match with the ETag of what was read refuses to overwrite what somebody else has changed meanwhile. The same table again writes nothing.',
        tags: TAGS,
        headers: ModelsHeaders,
        response: {
          200: {
            description: 'It is in force',
            headers: { etag: { type: 'string', description: 'Of the table from then on.' } },
            content: { 'application/json': { schema: ModelsUpdated } },
          },
          ...problemResponses(
            'not_json',
            'stale_models',
            'body_too_slow',
            'body_too_large',
            'unsupported_media_type',
            'invalid_request',
            'state_loading',
            'outcome_unknown',
            'log_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      const parsed = parseModels(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0))
      if ('errors' in parsed) {
        const [first] = parsed.errors
        throw first?.code === 'not_json'
          ? new Problem('not_json', first.message)
          : invalidFields(parsed.errors)
      }
      await newestOf(models)
      if (isBusy) throw unavailable('overloaded', 'Another table is written just now.', RETRY_BUSY_S)
      isBusy = true
      const { rows } = parsed
      const writtenBy = request.caller.id.slice(0, WRITTEN_BY_CHARACTERS_MAX)
      const expected = expectedVersions(request.headers['if-match'])
      const work = models.write({ rows, writtenBy, expected }).finally(() => {
        isBusy = false
      })
      const { become, version } = await outcomeOf(work, clock)
      if (become === 'stale')
        throw new Problem(
          'stale_models',
          `Version ${version} of the table is in force now. Read it, and ask again.`,
        )
      return reply.header('etag', tagOf(version)).send({ updated: become === 'written', version })
    },
  )
}

async function newestOf(models: InstallationModels): Promise<KnownTable> {
  if (models.loaded) return await models.newest()
  throw unavailable(
    'state_loading',
    'The table of models is being read from the log. Ask again in a moment; /readyz says when.',
    RETRY_LOADING_S,
  )
}

/** Throws a Problem (503) where it is not known in time whether the table was written, or known that it was not. */
async function outcomeOf(work: Promise<WriteOutcome>, clock: Clock): Promise<WriteOutcome> {
  const over = new AbortController()
  const headers = retryAfter(RETRY_BUSY_S)
  const unknown = new Problem(
    'outcome_unknown',
    'It is not known whether the table was written. Read it, or send it again: the same table again changes nothing.',
    {},
    headers,
  )
  try {
    const timeout = clock.delay(OUTCOME_TIMEOUT_MS, over.signal).then(() => null)
    const outcome = await Promise.race([work, timeout])
    if (outcome !== null) return outcome
    // The result after that is not reported to anybody.
    work.catch(() => {})
    throw unknown
  } catch (error) {
    if (!(error instanceof ModelsNotWritten)) throw error
    throw error.isUnknown ? unknown : new Problem('log_unavailable', error.message, {}, headers)
  } finally {
    over.abort()
  }
}

const tagOf = (version: number): string => `"${version}"`

/**
 * The versions of an If-Match; `*` requires nothing, since there is always a table. A text that is not one of our tags
 * matches none.
 */
function expectedVersions(header: string | undefined): TableRequest['expected'] {
  const tags = header === undefined ? '*' : tagsOf(header)
  return tags === '*' ? null : tags.map((tag) => Number(/^"(\d{1,10})"$/.exec(tag)?.[1] ?? 0))
}

function viewOf({ table, writtenAtMs, writtenBy }: KnownTable): ModelsView {
  return {
    version: table.version,
    written_at: formatTimeOrNull(writtenAtMs),
    written_by: writtenBy,
    rows: table.rows.map(({ pattern, paid_api, tdp_watts }) => ({
      pattern,
      execution: paid_api ? ('api' as const) : ('local' as const),
      tdp_watts,
    })),
  }
}

import { Type } from 'typebox'
import type { Static } from 'typebox'
import { parameters, wordField } from './fields.ts'
import { problemResponses } from './problem.ts'

/**
 * What a request to /readyz can leave out. `halted`: partitions that a person has to examine; the process works on the
 * others, so it should not be ended or waited for because of them. `outages`: what the process waits for after it has been
 * ready; all processes of its kind wait for the same, and an answer that says so is better than none.
 */
export const ReadyQuery = parameters({
  exclude: Type.Optional(
    wordField(['halted', 'outages'] as const, {
      description:
        'What shall not make it unready: halted partitions, or what it waits for once it has been ready. One that was asked to end is never ready.',
    }),
  ),
})
export type ReadyQuery = Static<typeof ReadyQuery>

export const Readiness = Type.Object({
  status: Type.String(),
  waiting_for: Type.Array(Type.String(), {
    description: 'In words; empty when ready, and for whoever may not read details.',
  }),
  halted: Type.Array(
    Type.Object({
      topic: Type.String(),
      partition: Type.Integer(),
      reason: Type.String(),
      remedy: Type.String(),
    }),
  ),
  notes: Type.Optional(
    Type.Array(Type.String(), { description: 'What a person should look at; it makes nothing unready.' }),
  ),
})

export const Liveness = Type.Object({ status: Type.String() })

const json = (schema: object, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

/** The operator's routes, which every service serves in the same way, by their path. */
export const OPS_SCHEMAS = {
  '/healthz': {
    summary: 'The process is alive',
    tags: ['operation'],
    response: { 200: json(Liveness, 'Alive; nothing was touched to tell') },
  },
  '/readyz': {
    summary: 'What the process waits for',
    tags: ['operation'],
    querystring: ReadyQuery,
    response: {
      200: json(Readiness, 'Ready'),
      503: json(Readiness, 'Not ready'),
      ...problemResponses('invalid_request'),
    },
  },
  '/metrics': {
    summary: "Metrics in Prometheus' text format",
    tags: ['operation'],
    response: {
      200: { description: 'All series', content: { 'text/plain': { schema: { type: 'string' } } } },
      ...problemResponses('rate_limited'),
    },
  },
} as const satisfies Readonly<Record<string, object>>

import { Type } from 'typebox'

const Readiness = Type.Object({
  status: Type.String(),
  waiting_for: Type.Array(Type.String(), { description: 'In words; empty when ready.' }),
  halted: Type.Array(
    Type.Object({
      topic: Type.String(),
      partition: Type.Integer(),
      reason: Type.String(),
      remedy: Type.String(),
    }),
  ),
})

const json = (schema: object, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

/** The operator's routes, which every service serves alike, by their path. */
export const OPS_SCHEMAS: Readonly<Record<string, object>> = {
  '/healthz': {
    summary: 'The process is alive',
    tags: ['operation'],
    response: { 200: json(Type.Object({ status: Type.String() }), 'Alive; nothing was touched to tell') },
  },
  '/readyz': {
    summary: 'What the process waits for',
    tags: ['operation'],
    response: { 200: json(Readiness, 'Ready'), 503: json(Readiness, 'Not ready') },
  },
  '/metrics': {
    summary: "Metrics in Prometheus' text format",
    tags: ['operation'],
    response: {
      200: { description: 'All series', content: { 'text/plain': { schema: { type: 'string' } } } },
    },
  },
}

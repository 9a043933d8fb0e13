import { problemResponses } from '../../../schemas/http/problem.ts'
import { LetterParams, ReplayAnswer } from '../../../schemas/http/set-aside.ts'
import { holderOf } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import type { PutBack } from '../put-back.ts'

/** POST /api/usage/set-aside/{id}/replay, for admins. */
export function putBackRoute(app: ReaderApp, parts: RouteParts & { readonly putBack: PutBack }): void {
  app.post(
    '/api/usage/set-aside/:id/replay',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Puts the events of a record that was set aside back, where the rules now accept them',
        description:
          'Each counts once, however often it is put back; its age is judged by the receipt of the record that it first came in with. The same as npm run replay -- --dead-letters --id.',
        tags: ['usage'],
        params: LetterParams,
        response: {
          200: {
            description: 'What became of them',
            content: { 'application/json': { schema: ReplayAnswer } },
          },
          ...problemResponses(
            'letter_not_found',
            'invalid_url',
            'invalid_request',
            'log_unavailable',
            'history_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const done = await parts.history.ask(holderOf(request), (client) =>
        parts.putBack.letter(client, id.replaceAll(':', '/')),
      )
      if (done.letters === 0)
        throw new Problem('letter_not_found', `No record "${id}" was set aside, as far as is loaded.`)
      return reply.send({
        put_back: done.putBack,
        counted: done.counted,
        refused: done.refused,
        lines: [...done.lines],
      })
    },
  )
}

import type { FastifyReply, RouteHandlerMethod } from 'fastify'

/** Answers with a text that is written when it is first asked for, and then kept: writing it takes tens of milliseconds. */
export function writtenOnce(contentType: string, write: () => string | Promise<string>): RouteHandlerMethod {
  let text: string | Promise<string> | undefined
  return async (_request, reply: FastifyReply) => {
    text ??= write()
    return reply
      .type(contentType)
      .serializer(String)
      .send(await text)
  }
}

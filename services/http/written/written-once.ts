import type { FastifyReply, RouteHandlerMethod } from 'fastify'
import { TagWriter } from '../tags.ts'

/** A text that is kept, with its tag. */
interface Kept {
  /** Bytes: a string would be encoded anew for each answer, which takes a millisecond for a document. */
  readonly bytes: Buffer
  readonly tag: string
}

/** Answers with a text that is written at its first request and then kept: writing it takes tens of milliseconds. */
export function writtenOnce(contentType: string, write: () => string | Promise<string>): RouteHandlerMethod {
  let kept: Promise<Kept> | undefined
  return async (_request, reply: FastifyReply) => {
    kept ??= keep(write)
    const { bytes, tag } = await kept
    return reply.type(contentType).header('etag', tag).send(bytes)
  }
}

async function keep(write: () => string | Promise<string>): Promise<Kept> {
  const bytes = Buffer.from(await write())
  const tag = new TagWriter()
  tag.add(bytes)
  return { bytes, tag: tag.end() }
}

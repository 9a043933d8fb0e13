import type { FastifyRequest } from 'fastify'

/** A list begins without a cursor, and also with an empty one: `?cursor=`. */
export function isFirst(cursor: string | undefined): cursor is undefined | '' {
  return cursor === undefined || cursor === ''
}

/** What a page shows of rows of which one more was read than the page holds. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
): { readonly shown: readonly Row[]; readonly last: Row | null } {
  const shown = rows.slice(0, limit)
  return { shown, last: rows.length > limit ? (shown.at(-1) ?? null) : null }
}

/** The same address, for the next page. */
export function nextAddress(request: FastifyRequest, cursor: string | null): string | null {
  if (cursor === null) return null
  const [path = '', query = ''] = request.url.split('?', 2)
  const parameters = new URLSearchParams(query)
  parameters.set('cursor', cursor)
  return `${path}?${parameters.toString()}`
}

import type { FastifyInstance } from 'fastify'

const DIGITS = /^\d{1,15}$/

/** Replaces a value that is not a number, so that the validator refuses it together with all other faults. */
const NO_NUMBER = 'no digits'

interface QuerySchema {
  readonly properties?: Readonly<Record<string, { readonly type?: unknown }>>
}

/**
 * Numbers in a query are digits. The validator alone would accept all that JavaScript can make a number of: `0x10`, ` 5`,
 * `1e3`, `Infinity`. Holds for every route that is registered after this.
 */
export function takeDigitsOnly(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const names = numbersOf(route.schema?.querystring as QuerySchema | undefined)
    if (names.length === 0) return
    const earlier = [route.preValidation ?? []].flat()
    route.preValidation = [
      ...earlier,
      async ({ query }) => {
        const given = query as Record<string, unknown>
        for (const name of names) {
          const text = given[name]
          if (typeof text === 'string' && !DIGITS.test(text)) given[name] = NO_NUMBER
        }
      },
    ]
  })
}

function numbersOf(schema: QuerySchema | undefined): string[] {
  return Object.entries(schema?.properties ?? {})
    .filter(([, { type }]) => type === 'integer' || type === 'number')
    .map(([name]) => name)
}

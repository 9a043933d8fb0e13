import type { FastifyHelmetOptions } from '@fastify/helmet'

/** Headers of every answer: an API that no page may frame, and whose pages load nothing from elsewhere. */
export const HEADERS: FastifyHelmetOptions = {
  global: true,
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
    },
  },
  // TLS ends before these servers, where it is used at all.
  strictTransportSecurity: false,
}

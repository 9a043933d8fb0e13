import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema, RouteHandlerMethod, RouteOptions } from 'fastify'
import { OPS_SCHEMAS } from '../../../schemas/http/ops.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { writtenOnce } from '../written/written-once.ts'
import { SECURITY_SCHEMES, describeAccess } from './openapi-access.ts'
import { marked, withComponents } from './openapi-components.ts'
import { withHeaders } from './openapi-headers.ts'

export interface ApiInfo {
  readonly title: string
  readonly version: string
  readonly description: string
  /** Where it listens unless its settings say otherwise. */
  readonly address: string
  /** In the order of the page. */
  readonly tags: readonly { readonly name: string; readonly description: string }[]
}

/** A document of OpenAPI 3.1, as far as it is put together here. */
export interface WholeDocument {
  readonly openapi: string
  readonly info: { readonly title: string; readonly description?: string }
  readonly tags: ApiInfo['tags']
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

/**
 * Publishes GET /openapi.json: OpenAPI 3.1 of every route that is registered after this, made from the schemas that
 * validate and serialise. Call it before the routes.
 */
export async function publishOpenApi(app: FastifyInstance, info: ApiInfo): Promise<void> {
  // The operator's routes come as a plugin without schemas; they are described here.
  app.addHook('onRoute', (route) => {
    const schema = (OPS_SCHEMAS as Readonly<Record<string, object>>)[route.url]
    if (schema !== undefined && route.schema === undefined) route.schema = schema
  })
  describeAccess(app)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: info.title, version: info.version, description: info.description },
      servers: [
        { url: '/', description: 'Where this document comes from' },
        { url: info.address, description: 'Where it listens unless its settings say otherwise' },
      ],
      tags: [...info.tags],
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    transform: ({ schema, url, route }) => ({ schema: documented(schema ?? {}, url, route), url }),
    transformObject: (document) => withComponents('openapiObject' in document ? document.openapiObject : {}),
  })
  app.get('/openapi.json', { config: { scope: 'public' }, schema: OPENAPI_SCHEMA }, openApiText(app))
}

const OPENAPI_SCHEMA = {
  summary: 'This document',
  tags: ['operation'],
  response: {
    ...problemResponses('rate_limited'),
    200: {
      description: 'OpenAPI 3.1',
      content: {
        'application/json': { schema: { type: 'object', properties: {}, additionalProperties: true } },
      },
    },
  },
}

/** A route as the document shows it. */
function documented(schema: FastifySchema, url: string, { method, config }: RouteOptions): FastifySchema {
  const first = [method].flat()[0] ?? 'GET'
  const isTagged = first === 'GET' && config?.isFleeting !== true
  const named = { ...schema, operationId: schema.operationId ?? operationIdOf(first, url) }
  const whole = withHeaders(withBody(withOptionalDefaults(named), config?.body), isTagged)
  return marked(whole) as FastifySchema
}

/** `GET /api/wallets/:operator_id/entries` is `getWalletsByOperatorIdEntries`. */
function operationIdOf(method: string, url: string): string {
  const words = url
    .replace(/^\/api\//, '/')
    .replaceAll('/:', '/by_')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
  return [
    method.toLowerCase(),
    ...words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`),
  ].join('')
}

/** The document of all routes, for the handler of a route that serves it. */
function openApiText(app: FastifyInstance): RouteHandlerMethod {
  return writtenOnce('application/json; charset=utf-8', () => JSON.stringify(app.swagger()))
}

/** Bodies are read by our own code, which keeps their numbers exact; the document shows their schema all the same. */
function withBody(schema: FastifySchema, body: unknown): FastifySchema {
  if (body === undefined) return schema
  return { ...schema, body: { content: { 'application/json': { schema: body } } } }
}

/** A parameter with a default need not be sent: after validation it is always there, so its schema requires it. */
function withOptionalDefaults(schema: FastifySchema): FastifySchema {
  const { querystring } = schema as { querystring?: QuerySchema }
  if (querystring?.required === undefined) return schema
  const required = querystring.required.filter((name) => querystring.properties[name]?.default === undefined)
  return { ...schema, querystring: { ...querystring, required } }
}

interface QuerySchema {
  readonly required?: readonly string[]
  readonly properties: Readonly<Record<string, { readonly default?: unknown }>>
}

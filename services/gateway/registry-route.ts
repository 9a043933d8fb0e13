import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { REGISTRY_SCHEMAS, REGISTRY_TYPE } from '../../schemas/http/registry.ts'
import { COMPATIBILITY, REGISTERED, subjectOf, VERSIONS } from '../../schemas/registry.ts'
import type { RegisteredSchema } from '../../schemas/registry.ts'
import { Problem } from '../http/problem.ts'

const ROOT = '/schema-registry'

/** Error codes of Confluent's API, by which its clients decide. */
const SUBJECT_NOT_FOUND = 40401
const VERSION_NOT_FOUND = 40402
const SCHEMA_NOT_FOUND = 40403

type SchemaRequest = FastifyRequest<{ Params: { readonly [name in 'subject' | 'version' | 'id']?: string } }>

/**
 * The schemas of usage events under the paths of Confluent's registry, so that its serializers find id and schema by
 * themselves (`use.latest.version`). Everybody may read them; no schema can be registered.
 */
export function registryRoute(app: FastifyInstance, { topic }: { readonly topic: string }): void {
  const subject = subjectOf(topic)
  const get = (path: string, schema: object, answer: (request: SchemaRequest) => unknown): void => {
    app.get(`${ROOT}${path}`, {
      config: { scope: 'public' },
      schema,
      handler: async (request, reply) => send(reply, answer(request as SchemaRequest)),
    })
  }
  const known = ({ params }: SchemaRequest): string => {
    if (params.subject === subject) return subject
    throw missing(SUBJECT_NOT_FOUND, `Subject '${params.subject ?? ''}' not found.`)
  }
  const version = (request: SchemaRequest): RegisteredSchema & { readonly version: number } => {
    known(request)
    const named = request.params.version ?? ''
    const number = named === 'latest' || named === '-1' ? VERSIONS.length : numberOf(named)
    const id = number === null ? undefined : VERSIONS[number - 1]
    if (number === null || id === undefined) {
      throw missing(VERSION_NOT_FOUND, `Version ${named} not found: there are 1 to ${VERSIONS.length}.`)
    }
    return { version: number, ...byId(id) }
  }
  get('/subjects', REGISTRY_SCHEMAS.subjects, () => [subject])
  get('/subjects/:subject/versions', REGISTRY_SCHEMAS.versions, (request) => {
    known(request)
    return VERSIONS.map((_id, index) => index + 1)
  })
  get('/subjects/:subject/versions/:version', REGISTRY_SCHEMAS.version, (request) => {
    return { subject, schemaType: 'AVRO', ...version(request) }
  })
  get('/subjects/:subject/versions/:version/schema', REGISTRY_SCHEMAS.versionText, (request) => {
    return JSON.parse(version(request).schema) as unknown
  })
  get('/schemas/ids/:id', REGISTRY_SCHEMAS.id, ({ params }) => {
    return { schema: byId(numberOf(params.id ?? '')).schema, schemaType: 'AVRO' }
  })
  get('/schemas/ids/:id/schema', REGISTRY_SCHEMAS.idText, ({ params }) => {
    return JSON.parse(byId(numberOf(params.id ?? '')).schema) as unknown
  })
  get('/schemas/types', REGISTRY_SCHEMAS.types, () => ['AVRO'])
  for (const path of ['/config', '/config/:subject']) {
    get(path, REGISTRY_SCHEMAS.config, () => ({ compatibilityLevel: COMPATIBILITY }))
  }
  for (const path of ['/mode', '/mode/:subject']) {
    get(path, REGISTRY_SCHEMAS.mode, () => ({ mode: 'READONLY' }))
  }
}

function byId(id: number | null): RegisteredSchema {
  const found = REGISTERED.find((one) => one.id === id)
  if (found === undefined) throw missing(SCHEMA_NOT_FOUND, 'Schema not found.')
  return found
}

/** Only digits are a number: what a client means by any other text cannot be known. */
function numberOf(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null
}

/** With the members that Confluent's clients read, in addition to those of every other problem. */
function missing(code: number, message: string): Problem {
  return new Problem('not_found', message, { error_code: code, message })
}

function send(reply: FastifyReply, answer: unknown): FastifyReply {
  return reply.type(REGISTRY_TYPE).serializer(String).send(JSON.stringify(answer))
}

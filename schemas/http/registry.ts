import { Type } from 'typebox'
import { problemResponses } from './problem.ts'

/** The content type of Confluent's registry. */
export const REGISTRY_TYPE = 'application/vnd.schemaregistry.v1+json'

const SubjectPath = Type.Object({ subject: Type.String() })
const VersionPath = Type.Object({ subject: Type.String(), version: Type.String() })
const IdPath = Type.Object({ id: Type.String() })

export const RegistryVersionSchema = Type.Object({
  subject: Type.String(),
  version: Type.Integer(),
  id: Type.Integer({ description: 'Goes before the value, in four bytes after a zero byte.' }),
  schemaType: Type.String(),
  schema: Type.String({ description: 'The Avro schema, as text.' }),
})

export const RegistryIdSchema = Type.Object({ schema: Type.String(), schemaType: Type.String() })

export const RegistryConfigSchema = Type.Object({ compatibilityLevel: Type.String() })

export const RegistryModeSchema = Type.Object({ mode: Type.String() })

export const AvroDocumentSchema = Type.Object(
  {},
  { additionalProperties: true, description: 'A schema of Avro 1.12.' },
)

const answer = (schema: object, description: string) => ({
  200: { description, content: { [REGISTRY_TYPE]: { schema } } },
  ...problemResponses('not_found', 'rate_limited', 'foreign_request'),
})

const route = (summary: string, schema: object, description: string, params?: object) => ({
  summary,
  tags: ['schema registry'],
  ...(params !== undefined && { params }),
  response: answer(schema, description),
})

/** The part of Confluent's read API that serializers use, by the path after `/schema-registry`. */
export const REGISTRY_SCHEMAS = {
  subjects: route('The subjects', Type.Array(Type.String()), 'That of the values of usage.metered'),
  versions: route(
    'The versions of a subject',
    Type.Array(Type.Integer()),
    'Their numbers, oldest first',
    SubjectPath,
  ),
  version: route(
    'One version of a subject: a number, or latest',
    RegistryVersionSchema,
    'Its id and schema',
    VersionPath,
  ),
  versionText: route('The schema of a version', AvroDocumentSchema, 'The Avro schema itself', VersionPath),
  id: route('The schema of an id', RegistryIdSchema, 'Of usage events only', IdPath),
  idText: route('The schema of an id, by itself', AvroDocumentSchema, 'The Avro schema itself', IdPath),
  types: route('The kinds of schemas', Type.Array(Type.String()), 'Avro alone'),
  config: route('How schemas change', RegistryConfigSchema, 'For all, or for a subject'),
  mode: route('Whether schemas can be registered', RegistryModeSchema, 'READONLY'),
} as const satisfies Readonly<Record<string, object>>

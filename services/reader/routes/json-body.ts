import type { FastifyRequest } from 'fastify'
import { isJsonObject } from '../../../pipelines/json/json-object.ts'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { Refusal } from '../../../pipelines/json/refusal.ts'
import { JsonItems, readJsonItems } from '../../../pipelines/json/json-items.ts'
import type { FieldError } from '../../../schemas/http/problem.ts'
import { Problem } from '../../http/problem.ts'

/**
 * Bodies of writes: a handful of fields. They stay bytes until `jsonBody` reads them: their numbers are read from their text.
 */
export const WRITE_BYTES_MAX = 65_536

/** The body's one JSON object, numbers exact; an empty body is an empty object. Throws a Problem (400, 422). */
export function jsonBody(request: FastifyRequest): JsonObject {
  const { body } = request
  if (!Buffer.isBuffer(body) || body.length === 0) return {}
  const items = readJsonItems(body, 1)
  if (!(items instanceof JsonItems)) {
    throw items.fault === 'too_many'
      ? invalidFields([{ path: '/', code: 'wrong_type', message: 'The body must be one JSON object.' }])
      : new Problem('not_json', items.detail)
  }
  const item = items.isArray ? null : items.read(0)
  if (item instanceof Refusal)
    throw invalidFields([{ path: item.path || '/', code: item.code, message: item.detail }])
  if (isJsonObject(item)) return item
  throw invalidFields([{ path: '/', code: 'wrong_type', message: 'The body must be one JSON object.' }])
}

/** 422 with every field that is at fault. */
export function invalidFields(errors: readonly FieldError[]): Problem {
  return new Problem('invalid_request', errors.map(({ message }) => message).join(' '), { errors })
}

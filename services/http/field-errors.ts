import type { FastifySchemaValidationError } from 'fastify/types/schema.js'
import type { FieldError } from '../../schemas/http/problem.ts'

/** What the validator found, for people: one entry for each field, with the field's name. */
export function fieldErrorsOf(validation: readonly FastifySchemaValidationError[]): FieldError[] {
  return validation.map((found) => {
    const { keyword, instancePath, params } = found
    if (keyword === 'required') {
      const name = String(params['missingProperty'])
      return { path: `${instancePath}/${name}`, code: 'required', message: `"${name}" is missing.` }
    }
    if (keyword === 'additionalProperties') {
      const name = String(params['additionalProperty'])
      return {
        path: `${instancePath}/${pointerToken(name)}`,
        code: 'unknown',
        message: `"${name}" is not known here.`,
      }
    }
    const name = instancePath.slice(1) || 'The request'
    return { path: instancePath || '/', code: CODES[keyword] ?? 'invalid', message: messageOf(name, found) }
  })
}

const CODES: Readonly<Record<string, string>> = {
  type: 'wrong_type',
  enum: 'not_allowed',
  minimum: 'out_of_range',
  maximum: 'out_of_range',
  minLength: 'out_of_range',
  maxLength: 'out_of_range',
  pattern: 'invalid',
}

function messageOf(name: string, { keyword, params, message }: FastifySchemaValidationError): string {
  const allowed = params['allowedValues']
  if (keyword === 'enum' && Array.isArray(allowed)) return `"${name}" must be one of ${allowed.join(', ')}.`
  return `"${name}" ${message ?? 'does not fit'}.`
}

/** A name as part of a JSON pointer (RFC 6901). */
function pointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

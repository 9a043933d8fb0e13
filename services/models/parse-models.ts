import { isJsonObject } from '../../pipelines/json/json-object.ts'
import { modelsTableCodec } from '../../schemas/avro.ts'
import { EXECUTIONS } from '../../schemas/http/models.ts'
import type { FieldError } from '../../schemas/http/problem.ts'
import { isPattern, MODEL_ROWS_MAX, MODELS_BYTES_MAX, TDP_WATTS_MAX } from '../../schemas/models.ts'
import type { ModelRow } from '../../schemas/models.ts'
import { TDP_WATTS_DEFAULT } from '../../schemas/usage.ts'

/** Faults that one answer names; where there are more, it says so. */
export const FAULTS_NAMED_MAX = 20

/** A table's rows, or all faults of the text, by JSON pointers. */
export type ParsedModels = { readonly rows: readonly ModelRow[] } | { readonly errors: readonly FieldError[] }

/** Reads a whole table, as `PUT /api/models` takes it and a file for `migrate --models` holds it. */
export function parseModels(bytes: Uint8Array): ParsedModels {
  if (bytes.length > MODELS_BYTES_MAX)
    return { errors: [fault('/', 'too_large', `A table has at most ${MODELS_BYTES_MAX} bytes.`)] }
  let document: unknown
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch {
    return { errors: [fault('/', 'not_json', 'This is no JSON in UTF-8.')] }
  }
  if (!isJsonObject(document) || !Array.isArray(document['rows']))
    return { errors: [fault('/rows', 'wrong_type', 'The body must be an object with the array "rows".')] }
  const reader = new RowsReader()
  reader.refuseUnknown(document, '', ['rows'])
  const given: readonly unknown[] = document['rows']
  if (given.length > MODEL_ROWS_MAX) {
    reader.refuse('/rows', 'out_of_range', `A table has at most ${MODEL_ROWS_MAX} rows.`)
    return { errors: reader.errors }
  }
  const rows = given.map((row, index) => reader.row(row, `/rows/${index}`))
  if (reader.errors.length > 0) return { errors: reader.errors }
  // Names may have many bytes for each character, so the record has a bound of its own.
  const size = modelsTableCodec.encode({ version: 2, written_by: '', rows }).length
  return size > MODELS_BYTES_MAX
    ? { errors: [fault('/rows', 'too_large', `The rows have more than ${MODELS_BYTES_MAX} bytes.`)] }
    : { rows }
}

function fault(path: string, code: string, message: string): FieldError {
  return { path, code, message }
}

class RowsReader {
  readonly errors: FieldError[] = []
  readonly #patterns = new Set<string>()

  row(given: unknown, path: string): ModelRow {
    const row = { pattern: '', paid_api: false, tdp_watts: TDP_WATTS_DEFAULT }
    if (!isJsonObject(given)) {
      this.refuse(path, 'wrong_type', 'A row must be an object.')
      return row
    }
    this.refuseUnknown(given, path, ['pattern', 'execution', 'tdp_watts'])
    const { pattern, execution, tdp_watts: watts = TDP_WATTS_DEFAULT } = given
    row.pattern = this.#pattern(pattern, `${path}/pattern`)
    if (!EXECUTIONS.some((one) => one === execution))
      this.refuse(
        `${path}/execution`,
        'invalid_value',
        `"execution" must be one of ${EXECUTIONS.join(', ')}.`,
      )
    row.paid_api = execution === 'api'
    if (typeof watts === 'number' && Number.isInteger(watts) && watts >= 0 && watts <= TDP_WATTS_MAX)
      row.tdp_watts = watts + 0
    else
      this.refuse(
        `${path}/tdp_watts`,
        'out_of_range',
        `"tdp_watts" must be a whole number from 0 to ${TDP_WATTS_MAX}.`,
      )
    return row
  }

  #pattern(given: unknown, path: string): string {
    if (typeof given !== 'string' || !isPattern(given)) {
      this.refuse(
        path,
        'invalid_text',
        '"pattern" must be a model\'s name of 1 to 128 code points, or the beginning of names and one "*" at its end.',
      )
      return ''
    }
    if (this.#patterns.has(given)) this.refuse(path, 'duplicate', 'Another row has the same pattern.')
    this.#patterns.add(given)
    return given
  }

  refuseUnknown(object: Readonly<Record<string, unknown>>, path: string, known: readonly string[]): void {
    const unknown = Object.keys(object).find((name) => !known.includes(name))
    if (unknown === undefined) return
    this.refuse(
      path === '' ? '/' : path,
      'unknown_field',
      `There may be no more than ${known.join(', ')} here.`,
    )
  }

  refuse(path: string, code: string, message: string): void {
    if (this.errors.length < FAULTS_NAMED_MAX) this.errors.push(fault(path, code, message))
  }
}

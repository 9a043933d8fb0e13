import type { LogRecord } from '../../pipelines/log/records.ts'
import { modelsTableCodec } from '../../schemas/avro.ts'
import { COMPILED_TABLE, ModelTable } from '../../schemas/model-table.ts'
import {
  isPattern,
  MODEL_ROWS_MAX,
  MODELS_VERSION,
  TDP_WATTS_MAX,
  WRITTEN_BY_CHARACTERS_MAX,
} from '../../schemas/models.ts'
import type { ModelRow } from '../../schemas/models.ts'
import type { ModelsTable } from '../../schemas/records.ts'
import { describeError } from '../runtime/exit.ts'

/** A version of the table, and who wrote it. */
export interface KnownTable {
  readonly table: ModelTable
  /** Null for the version that is compiled in. */
  readonly writtenBy: string | null
  /** Log time; null for the version that is compiled in. */
  readonly writtenAtMs: number | null
}

const COMPILED: KnownTable = { table: COMPILED_TABLE, writtenBy: null, writtenAtMs: null }

type ModelsRecord = Pick<LogRecord, 'key' | 'value' | 'timestampMs' | 'offset'>

/** The newest table of an installation, from the records of hivemeter.models, read one after the other. */
export class KnownModels {
  #newest = COMPILED
  #unreadable: string | null = null
  /** Offset of the last record, whatever it held; −1 before the first. */
  lastOffset = -1n

  get newest(): KnownTable {
    return this.#newest
  }

  /** Why the newest unreadable version cannot be read; null where all versions can be read. */
  get unreadable(): string | null {
    return this.#unreadable
  }

  /** Takes the next record. One that cannot be read changes nothing: what was known stays in force. */
  apply({ key, value, timestampMs, offset }: ModelsRecord): void {
    this.lastOffset = offset
    const name = key?.toString('latin1') ?? ''
    // Fences, and records that were deleted.
    if (name.startsWith('!') || value === null) return
    const read = readTable(name, value)
    if ('problem' in read) {
      this.#unreadable = `version "${name.slice(0, 20)}" of the table of models cannot be read: ${read.problem}`
      return
    }
    if (read.version <= this.#newest.table.version) return
    this.#newest = {
      table: new ModelTable(read.version, read.rows),
      writtenBy: read.written_by,
      writtenAtMs: timestampMs,
    }
    this.#unreadable = null
  }
}

/** A value of hivemeter.models under its key, or the reason why it is not a table. */
export function readTable(key: string, value: Buffer): ModelsTable | { readonly problem: string } {
  let table: ModelsTable
  try {
    table = modelsTableCodec.decode(value)
  } catch (error) {
    return { problem: `it cannot be decoded (${describeError(error)})` }
  }
  const { version, rows, written_by } = table
  if (String(version) !== key) return { problem: 'it names another version' }
  if (version <= MODELS_VERSION) return { problem: 'its version is compiled in' }
  if (written_by.length > WRITTEN_BY_CHARACTERS_MAX) return { problem: 'its writer has too long a name' }
  if (rows.length > MODEL_ROWS_MAX) return { problem: `it has more than ${MODEL_ROWS_MAX} rows` }
  const isFit = ({ pattern, tdp_watts }: ModelRow): boolean =>
    isPattern(pattern) && tdp_watts >= 0 && tdp_watts <= TDP_WATTS_MAX
  if (!rows.every(isFit)) return { problem: 'it has a row that no table can have' }
  if (new Set(rows.map(({ pattern }) => pattern)).size < rows.length)
    return { problem: 'a pattern stands twice' }
  return table
}

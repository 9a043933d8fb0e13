import { modelsTableCodec } from '../../../schemas/avro.ts'
import { COMPILED_ROWS, MODELS_VERSION, UNLISTED } from '../../../schemas/models.ts'
import type { ModelFacts, ModelRow } from '../../../schemas/models.ts'
import type { ModelsTable } from '../../../schemas/records.ts'
import type { SourceRecord } from '../source.ts'

/** Versions of the table of models by number, and what each states about a model; worked out plainly, in code of its own. */
export class ModelVersions {
  readonly #rows = new Map<number, readonly ModelRow[]>([[MODELS_VERSION, COMPILED_ROWS]])
  readonly #known = new Map<string, ModelFacts>()
  readonly #read: () => AsyncIterable<SourceRecord>

  /** `read` gives the records of hivemeter.models up to now; called where a version is not known. */
  constructor(read: () => AsyncIterable<SourceRecord> = nothing) {
    this.#read = read
  }

  /** Reads the log where one of these versions is not known: a task may have judged by it a moment ago. */
  async need(versions: readonly number[]): Promise<void> {
    if (versions.every((version) => this.has(version))) return
    const wanted = new Set(versions.map(String))
    for await (const record of this.#read())
      if (wanted.has(record.key?.toString('latin1') ?? '')) this.add(record)
  }

  /** Takes a record of hivemeter.models; fences and deleted records are ignored. */
  add({ key, value }: Pick<SourceRecord, 'key' | 'value'>): void {
    const name = key?.toString('latin1') ?? ''
    if (!/^\d+$/.test(name) || value === null) return
    let table: ModelsTable
    try {
      table = modelsTableCodec.decode(value)
    } catch {
      // No task can have judged by it, so no row may name it.
      return
    }
    if (String(table.version) === name && table.version > MODELS_VERSION)
      this.#rows.set(table.version, table.rows)
  }

  has(version: number): boolean {
    return this.#rows.has(version)
  }

  /** A version that does not exist lists no model. */
  factsOf(version: number, name: string): ModelFacts {
    const key = `${version} ${name}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const rows = this.#rows.get(version) ?? []
    const facts =
      bestRow(rows, name) ?? (version === MODELS_VERSION ? undefined : bestRow(rows, withoutOrigin(name)))
    const { paid_api, tdp_watts } = facts ?? UNLISTED
    if (this.#known.size >= FACTS_KEPT_MAX) this.#known.clear()
    this.#known.set(key, { paid_api, tdp_watts })
    return { paid_api, tdp_watts }
  }
}

async function* nothing(): AsyncGenerator<SourceRecord> {}

/** Results that are kept: a fleet has few models, a hostile log has many. */
const FACTS_KEPT_MAX = 10_000

/** The exact row, or else the one with the longest beginning among those whose beginning fits. */
function bestRow(rows: readonly ModelRow[], name: string): ModelRow | undefined {
  let best: ModelRow | undefined
  for (const row of rows) {
    if (row.pattern === name) return row
    if (!row.pattern.endsWith('*') || !name.startsWith(row.pattern.slice(0, -1))) continue
    if (best === undefined || row.pattern.length > best.pattern.length) best = row
  }
  return best
}

const SERVED_BY = new Set(
  `ai21 amazon anthropic azure azure_ai bedrock cohere converse deepseek fireworks_ai gemini google groq mistral mistralai
   models openai openrouter perplexity publishers together_ai vertex_ai x-ai xai`.split(/\s+/),
)
const REGIONS = new Set('us us-gov eu apac ap ca sa jp au global'.split(' '))
const VENDORS = new Set('ai21 amazon anthropic cohere deepseek meta mistral openai qwen writer'.split(' '))

/** The rules of the normal form (DESIGN.md, section 5), stated a second time: the rest is never empty. */
function withoutOrigin(name: string): string {
  let rest = name
  for (;;) {
    const slash = rest.indexOf('/')
    if (slash < 0 || slash === rest.length - 1 || !SERVED_BY.has(rest.slice(0, slash))) break
    rest = rest.slice(slash + 1)
  }
  const [first = '', second = '', ...more] = rest.split('.')
  if (REGIONS.has(first) && VENDORS.has(second) && more.join('.') !== '') rest = more.join('.')
  else if (VENDORS.has(first) && [second, ...more].join('.') !== '') rest = [second, ...more].join('.')
  const edition = rest.search(/-v[0-9]+:[0-9]+(:[A-Za-z0-9_]+)?$/)
  if (edition > 0) rest = rest.slice(0, edition)
  const date = rest.search(/(-[0-9]{4}-[0-9]{2}-[0-9]{2}|-[0-9]{8}|@[0-9]{8})$/)
  return date > 0 ? rest.slice(0, date) : rest
}

/**
 * A version, and the offsets of the events whose rows name it: it holds from its first offset until that of the next version.
 */
export interface VersionSpan {
  readonly version: number
  readonly first: bigint
  readonly last: bigint
}

/** Which version the rows of a partition name at which offset. */
export class VersionSpans {
  readonly #spans: readonly VersionSpan[]
  readonly #otherwise: number

  /** `otherwise` is the version where no row is left that names one. */
  constructor(spans: readonly VersionSpan[], otherwise: number) {
    this.#spans = spans.toSorted((left, right) => left.version - right.version)
    this.#otherwise = otherwise
  }

  /** The version by which the record at this offset was judged. */
  at(offset: bigint): number {
    const spans = this.#spans
    return (spans.findLast(({ first }) => first <= offset) ?? spans[0])?.version ?? this.#otherwise
  }

  /** What is wrong with the versions, in words: one that falls, or one that no log holds. */
  problems(has: (version: number) => boolean): string[] {
    const falls = this.#spans.flatMap(({ version, first }, index) => {
      const before = this.#spans[index - 1]
      return before === undefined || before.last < first
        ? []
        : [`version ${before.version} at offset ${before.last} after version ${version} at offset ${first}`]
    })
    const missing = this.#spans.filter(({ version }) => !has(version))
    return [
      ...falls,
      ...missing.map(({ version, first }) => `version ${version} at offset ${first}, which there is not`),
    ]
  }
}

import { NullableColumn, U16Column, U32Column, U64Column, U8Column } from '../../schemas/native/columns.ts'
import type { Column, TextBytes } from '../../schemas/native/columns.ts'
import { SparseColumn, TextMapColumn } from '../../schemas/native/sparse.ts'
import { NO_MORE } from '../../schemas/usage.ts'
import type { UsageColumns } from './decode.ts'

type AddColumn = <Kind extends Column>(name: string, type: string, column: Kind) => Kind

/** The columns of 32 bits, from which the wide columns get the values of rows that were not set. */
interface NarrowColumns {
  readonly tokensIn: U32Column
  readonly tokensOut: U32Column
  readonly gpuMs: NullableColumn
}

const NO_ENTRIES = new Uint8Array(0)

/**
 * The columns of `usage_events` that a block has only where one of its events has a field of `more`, or a number beyond 32
 * bits.
 */
export class MoreBlockColumns {
  readonly #tokensIn: SparseColumn<U64Column>
  readonly #tokensOut: SparseColumn<U64Column>
  readonly #gpuMs: SparseColumn<NullableColumn>
  readonly #gpus: SparseColumn<U16Column>
  readonly #inferences: SparseColumn<U32Column>
  readonly #tokensCached: SparseColumn<NullableColumn>
  readonly #tokensReasoning: SparseColumn<NullableColumn>
  readonly #execution: SparseColumn<U8Column>
  readonly #labels: SparseColumn<TextMapColumn>

  constructor(add: AddColumn, texts: TextBytes, narrow: NarrowColumns) {
    const sparse = <Kind extends Column>(
      name: string,
      type: string,
      values: Kind,
      fill: (values: Kind, row: number) => void,
    ): SparseColumn<Kind> => add(name, type, new SparseColumn(values, fill))
    const nullable = (name: string, fill: (row: number) => number) =>
      sparse(name, 'Nullable(UInt64)', new NullableColumn(new U64Column()), (values, row) =>
        values.set(row, fill(row)),
      )
    const wide = (name: string, from: U32Column) =>
      sparse(name, 'UInt64', new U64Column(), (values, row) => values.set(row, from.get(row)))
    this.#tokensIn = wide('wide_tokens_in', narrow.tokensIn)
    this.#tokensOut = wide('wide_tokens_out', narrow.tokensOut)
    this.#gpuMs = nullable('wide_gpu_ms', (row) => narrow.gpuMs.get(row))
    this.#gpus = sparse('gpus', 'UInt16', new U16Column(), (values, row) => values.set(row, NO_MORE.gpus))
    this.#inferences = sparse('inferences', 'UInt32', new U32Column(), (values, row) =>
      values.set(row, NO_MORE.inferences),
    )
    this.#tokensCached = nullable('tokens_cached', () => -1)
    this.#tokensReasoning = nullable('tokens_reasoning', () => -1)
    this.#execution = sparse('execution', 'Int8', new U8Column(), (values, row) => values.set(row, 0))
    this.#labels = sparse('labels', 'Map(String, String)', new TextMapColumn(texts), (values) =>
      values.add(NO_ENTRIES, []),
    )
  }

  /** Sets the row of event `index`: only values that are not the default of their columns. */
  set(row: number, columns: UsageColumns, index: number): void {
    this.#tokensIn.at(row).set(row, columns.tokensIn[index] as number)
    this.#tokensOut.at(row).set(row, columns.tokensOut[index] as number)
    this.#gpuMs.at(row).set(row, columns.gpuMs[index] as number)
    if (columns.hasMore[index] === 0) return
    const { more } = columns
    this.#gpus.at(row).set(row, more.gpus[index] as number)
    this.#inferences.at(row).set(row, more.inferences[index] as number)
    this.#tokensCached.at(row).set(row, more.tokensCached[index] as number)
    this.#tokensReasoning.at(row).set(row, more.tokensReasoning[index] as number)
    this.#execution.at(row).set(row, more.execution[index] as number)
    this.#labels.at(row).add(columns.bytes, more.labels[index] ?? [])
  }
}

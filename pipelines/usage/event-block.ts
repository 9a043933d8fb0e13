import { NativeBlock } from '../../schemas/native/block.ts'
import {
  NullableColumn,
  NumberedColumn,
  StringColumn,
  U32Column,
  U64Column,
  U8Column,
  UuidColumn,
} from '../../schemas/native/columns.ts'
import type { UsageColumns } from './decode.ts'
import type { TextColumn } from './event-arrays.ts'
import { ENTRY_WORDS } from '../dedupe/id-table.ts'
import { MoreBlockColumns } from './more-block.ts'
import { SUMS } from '../windows/deltas.ts'

const TEXT = 'LowCardinality(String)'
const INSTANT = `DateTime64(3, 'UTC')`
/** The most that columns of 32 bits hold; the wide columns beside them hold the whole number. */
const U32_MAX = 4_294_967_295

/** What all events of a record share. */
export interface RecordPlace {
  readonly offset: number
  /** LogAppendTime: receipt. */
  readonly receivedAtMs: number
  readonly modelsVersion: number
}

/** Rows of `usage_events`. */
export class EventBlock extends NativeBlock {
  readonly #receivedAt = this.column('received_at', INSTANT, new U64Column())
  readonly #recordOffset = this.column('record_offset', 'UInt64', new U64Column())
  readonly #modelsVersion = this.column('models_version', 'UInt32', new U32Column())
  readonly #node = this.column('node_id', TEXT, new NumberedColumn(this.texts))
  readonly #operator = this.column('operator_id', TEXT, new NumberedColumn(this.texts))
  readonly #model = this.column('model_id', TEXT, new NumberedColumn(this.texts))
  readonly #taskSource = this.column('task_source', 'Int8', new U8Column())
  readonly #eventText = this.column('event_text', 'String', new StringColumn(this.texts))
  readonly #goal = this.column('goal_id', 'String', new StringColumn(this.texts))
  readonly #requester = this.column('requester_node_id', 'String', new StringColumn(this.texts))
  readonly #reservation = this.column('reservation_id', 'String', new StringColumn(this.texts))
  readonly #eventId = this.column('event_id', 'UUID', new UuidColumn())
  readonly #contentHash = this.column('content_hash', 'UInt64', new U64Column())
  readonly #occurredAt = this.column('occurred_at', INSTANT, new U64Column())
  readonly #recordIndex = this.column('record_index', 'UInt32', new U32Column())
  readonly #tokensIn = this.column('tokens_in', 'UInt32', new U32Column())
  readonly #tokensOut = this.column('tokens_out', 'UInt32', new U32Column())
  readonly #durationMs = this.column('duration_ms', 'Nullable(UInt32)', new NullableColumn(new U32Column()))
  readonly #gpuMs = this.column('gpu_ms', 'Nullable(UInt32)', new NullableColumn(new U32Column()))
  readonly #gpuMsEstimated = this.column('gpu_ms_estimated', 'UInt64', new U64Column())
  readonly #energyMwh = this.column('energy_mwh', 'Nullable(UInt64)', new NullableColumn(new U64Column()))
  readonly #energySource = this.column('energy_source', 'Int8', new U8Column())
  readonly #energyMwhEstimated = this.column('energy_mwh_estimated', 'UInt64', new U64Column())
  readonly #energyMwhCompatible = this.column('energy_mwh_compatible', 'UInt64', new U64Column())
  readonly #costNanoUsd = this.column('cost_nano_usd', 'UInt64', new U64Column())
  readonly #late = this.column('late', 'UInt8', new U8Column())
  readonly #idKind = this.column('id_kind', 'Int8', new U8Column())
  readonly #more = new MoreBlockColumns((name, type, column) => this.column(name, type, column), this.texts, {
    tokensIn: this.#tokensIn,
    tokensOut: this.#tokensOut,
    gpuMs: this.#gpuMs,
  })

  /**
   * Adds event `index` of the record. `values` are its numbers in the order of `SUMS`; its content's hash is in words 4 and
   * 5 of its entry in `entries`.
   */
  add(
    columns: UsageColumns,
    index: number,
    record: RecordPlace,
    values: Float64Array,
    entries: Int32Array,
  ): void {
    const row = this.nextRow()
    const entry = index * ENTRY_WORDS
    this.#receivedAt.set(row, record.receivedAtMs)
    this.#recordOffset.set(row, record.offset)
    this.#modelsVersion.set(row, record.modelsVersion)
    this.#node.set(row, columns.node[index] as number, columns.nodes)
    this.#operator.set(row, columns.operator[index] as number, columns.operators)
    this.#model.set(row, columns.model[index] as number, columns.models)
    this.#taskSource.set(row, columns.taskSource[index] as number)
    if (columns.hasTexts[index] === 1) this.#addTexts(row, columns, index)
    this.#eventId.set(row, columns.idView(index), columns.idStart[index] as number)
    this.#contentHash.setHalves(row, entries[entry + 4] as number, entries[entry + 5] as number)
    this.#occurredAt.set(row, columns.occurredAt[index] as number)
    this.#recordIndex.set(row, index)
    const tokensIn = columns.tokensIn[index] as number
    const tokensOut = columns.tokensOut[index] as number
    const gpuMs = columns.gpuMs[index] as number
    this.#tokensIn.set(row, Math.min(tokensIn, U32_MAX))
    this.#tokensOut.set(row, Math.min(tokensOut, U32_MAX))
    this.#durationMs.set(row, columns.durationMs[index] as number)
    this.#gpuMs.set(row, Math.min(gpuMs, U32_MAX))
    this.#gpuMsEstimated.set(row, values[SUMS.gpuMsEstimated] as number)
    this.#energyMwh.set(row, columns.energyMwh[index] as number)
    this.#energySource.set(row, columns.energySource[index] as number)
    this.#energyMwhEstimated.set(row, values[SUMS.energyMwhEstimated] as number)
    this.#energyMwhCompatible.set(row, values[SUMS.energyMwhCompatible] as number)
    this.#costNanoUsd.set(row, values[SUMS.costNanoUsd] as number)
    this.#late.set(row, values[SUMS.lateEvents] as number)
    this.#idKind.set(row, columns.idKind(index))
    const isWide = tokensIn > U32_MAX || tokensOut > U32_MAX || gpuMs > U32_MAX
    if (isWide || columns.hasMore[index] === 1) this.#more.set(row, columns, index)
  }

  /** Adds the texts that most events lack. */
  #addTexts(row: number, columns: UsageColumns, index: number): void {
    addText(this.#eventText, row, columns.bytes, columns.eventText, index)
    addText(this.#goal, row, columns.bytes, columns.goal, index)
    addText(this.#requester, row, columns.bytes, columns.requester, index)
    addText(this.#reservation, row, columns.bytes, columns.reservation, index)
  }
}

function addText(to: StringColumn, row: number, bytes: Buffer, text: TextColumn, index: number): void {
  const start = text.start[index] as number
  if (start >= 0) to.set(row, bytes, start, text.end[index] as number)
}

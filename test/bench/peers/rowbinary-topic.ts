import { RowWriter } from '../../../schemas/rowbinary.ts'
import { ENERGY_SOURCES, TASK_SOURCES } from '../../../schemas/usage.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { Encode } from '../loads/topics.ts'

/**
 * The columns of a row of the topic, in the order in which they are written, as ClickHouse declares them. Plain strings:
 * each record is parsed separately, and LowCardinality made an event cost a third more CPU (15.4 s a million, not 11.5).
 */
export const ROW_COLUMNS = `event_id UUID,
  event_text String,
  node_id String,
  operator_id String,
  model_id String,
  task_source Enum8('own' = 0, 'hive' = 1, 'idle' = 2),
  occurred_at DateTime64(3, 'UTC'),
  tokens_in UInt32,
  tokens_out UInt32,
  duration_ms Nullable(UInt32),
  gpu_ms Nullable(UInt32),
  energy_mwh Nullable(UInt64),
  energy_source Enum8('none' = 0, 'meter' = 1, 'device' = 2, 'estimate' = 3),
  cost_nano_usd UInt64,
  goal_id String,
  requester_node_id String,
  reservation_id String`

const writer = new RowWriter()

/** The events of a record as RowBinary rows: the engine takes any number from one message. */
export const asRows: Encode = (events) => {
  for (const event of events) writeRow(writer, event)
  return writer.take()
}

function writeRow(row: RowWriter, event: UsageEvent): void {
  row.uuid(event.event_id)
  row.string(event.event_text ?? '')
  row.string(event.node_id)
  row.string(event.operator_id ?? '')
  row.string(event.model_id)
  row.u8(TASK_SOURCES.indexOf(event.task_source))
  row.u64(event.occurred_at)
  row.u32(event.tokens_in)
  row.u32(event.tokens_out)
  row.nullableU32(event.duration_ms ?? -1)
  row.nullableU32(event.gpu_ms ?? -1)
  row.u8(event.energy_mwh === null ? 1 : 0)
  if (event.energy_mwh !== null) row.u64(event.energy_mwh)
  row.u8(ENERGY_SOURCES.indexOf(event.energy_source))
  row.u64(event.cost_nano_usd)
  row.string(event.goal_id ?? '')
  row.string(event.requester_node_id ?? '')
  row.string(event.reservation_id ?? '')
}

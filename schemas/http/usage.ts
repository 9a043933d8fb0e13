import { Type } from 'typebox'
import type { Static } from 'typebox'
import { SOURCE_CODE_POINTS_MAX } from '../identity.ts'
import { LABEL_NAME_PATTERN } from '../labels.ts'
import { EXECUTIONS } from '../usage.ts'
import type { Execution } from '../usage.ts'
import { DECISIONS } from '../tables.ts'
import type { Decision } from '../tables.ts'
import {
  asOfField,
  labelledParameters,
  exactMoneyField,
  nodeIdParameter,
  nullableIntegerField,
  nullableTextField,
  nullableTimeField,
  nullableWordField,
  page,
  pageParameters,
  parameters,
  rangeParameters,
  roundedField,
  sumField,
  taskSourceField,
  timeField,
  WIDE,
  wordField,
} from './fields.ts'

export const WINDOWS = ['1m', '1h', '1d', 'total'] as const
export type WindowName = (typeof WINDOWS)[number]

/** Most windows of one answer. */
export const WINDOWS_MAX = 50_000

/** Minutes are kept for 45 days; a requested range must still exist when it is read. */
export const MINUTES_KEPT_DAYS = 45

/** Longest name of a time zone. */
export const ZONE_CHARACTERS_MAX = 64

/** How long single events are kept: requests for labels read these. */
export const EVENTS_KEPT_DAYS = 50

/** Most groups that an answer by a label may have. */
export const LABEL_GROUPS_MAX = 1_000

const GROUP = `(model_id|task_source|label\\.${LABEL_NAME_PATTERN.slice(1, -1)})`

export const UsageQuery = labelledParameters({
  node_id: Type.Optional(nodeIdParameter),
  ...rangeParameters,
  window: wordField<WindowName>(WINDOWS, {
    default: '1h',
    description:
      'Bounds are widened to whole windows. total is one window, widened to minutes (to quarters of an hour where minutes are no longer kept).',
  }),
  group_by: Type.Optional(
    Type.String({
      pattern: `^${GROUP}(,${GROUP}){0,2}$`,
      description:
        'model_id, task_source, label.NAME for one label, with commas between. With a label, or with label.NAME=value as a parameter, single events are added up: of the last 50 days, in at most 1,000 groups.',
    }),
  ),
  tz: Type.String({
    default: 'UTC',
    maxLength: ZONE_CHARACTERS_MAX,
    description:
      'Time zone of hours and days: an IANA name, or an offset like +05:30. Times in the answer stay in UTC.',
  }),
})

export const UsageItem = Type.Object({
  window_start: timeField(),
  window_end: timeField('Exclusive.'),
  model_id: Type.Optional(Type.String({ description: 'Where grouped by it.' })),
  task_source: Type.Optional(taskSourceField()),
  label: Type.Optional(nullableTextField('Where grouped by a label: its value, null of events without it.')),
  inferences: sumField('Calls: one of an event that says no other number. Own work counts here.'),
  tokens_in: sumField(),
  tokens_out: sumField(),
  gpu_hours: roundedField(),
  gpu_ms: sumField(),
  energy_kwh: roundedField(),
  energy_mwh: sumField('Milliwatt-hours.'),
  usd: roundedField(),
  usd_exact: exactMoneyField(),
  late: Type.Boolean({ description: 'Holds usage that came when the window was final already.' }),
  revised_at: nullableTimeField(
    'When the newest late usage came: who read the window before reads it again. Null where none is known.',
  ),
  final: Type.Boolean({ description: 'as_of is at or after the end: only late usage can still change it.' }),
})
export type UsageItem = Static<typeof UsageItem>

export const UsageAnswer = Type.Object({
  items: Type.Array(UsageItem, { description: 'Windows that hold anything, oldest first.' }),
  from: timeField('Widened to whole windows.'),
  to: timeField('Widened to whole windows.'),
  window: wordField(WINDOWS),
  tz: Type.String(),
  as_of: asOfField,
})
export type UsageAnswer = Static<typeof UsageAnswer>

export const EventsQuery = labelledParameters({
  node_id: Type.Optional(nodeIdParameter),
  ...rangeParameters,
  ...pageParameters,
})

export const EVENT_DECISIONS = ['own', 'zero', ...(Object.keys(DECISIONS) as Decision[])] as const
export type EventDecision = (typeof EVENT_DECISIONS)[number]

export const SETTLEMENT_STATUSES = [...EVENT_DECISIONS, 'settled'] as const
export type SettlementStatus = (typeof SETTLEMENT_STATUSES)[number]

export const settlementStatusField = () =>
  nullableWordField<SettlementStatus>(
    SETTLEMENT_STATUSES,
    'What became of its cost, in one word: as decision, and settled where a settlement has paid it.',
  )

export const EventItem = Type.Object({
  event_id: Type.String({ description: 'As it was sent.' }),
  node_id: Type.String(),
  operator_id: nullableTextField('As the event named it.'),
  model_id: Type.String(),
  task_source: taskSourceField(),
  occurred_at: timeField(),
  received_at: timeField(),
  tokens_in: Type.Integer(WIDE),
  tokens_out: Type.Integer(WIDE),
  tokens_cached: nullableIntegerField('A part of tokens_in.'),
  tokens_reasoning: nullableIntegerField('A part of tokens_out.'),
  inferences: Type.Integer({ description: 'Calls that the event stands for.' }),
  gpus: Type.Integer(),
  execution: nullableWordField<Execution>(
    EXECUTIONS,
    'As the event said it; null where the table of models says it.',
  ),
  labels: Type.Record(Type.String(), Type.String(), { description: 'In CSV and Parquet a JSON text.' }),
  duration_ms: nullableIntegerField(),
  gpu_hours: roundedField(),
  gpu_ms: sumField(),
  gpu_estimated: Type.Boolean(),
  energy_kwh: roundedField(),
  energy_mwh: sumField('Milliwatt-hours.'),
  energy_source: wordField(['meter', 'device', 'estimate'] as const),
  usd: roundedField(),
  usd_exact: exactMoneyField(),
  actual_usd_cost: exactMoneyField('As usd_exact, under the name that it was sent with.'),
  goal_id: nullableTextField(),
  requester_node_id: nullableTextField(),
  reservation_id: nullableTextField(),
  late: Type.Boolean(),
  decision: nullableWordField<EventDecision>(
    EVENT_DECISIONS,
    'On its cost. own and zero are never paid; null while the decision is on its way.',
  ),
  settlement_status: settlementStatusField(),
  cost_seq: nullableIntegerField("Number of the cost in the node's sequence."),
  spark: nullableIntegerField('What the cost is worth.'),
  settlement_id: nullableTextField('The settlement that paid it.'),
  settled_at: nullableTimeField(),
})
export type EventItem = Static<typeof EventItem>

export const EventPage = page(EventItem, { as_of: asOfField })

/** Longest event id in a path, in characters: 128 code points of four bytes, each byte percent-encoded. */
export const EVENT_ID_PATH_CHARACTERS_MAX = 1_536

export const EventParams = Type.Object({
  event_id: Type.String({
    maxLength: EVENT_ID_PATH_CHARACTERS_MAX,
    description: 'As it was sent, percent-encoded.',
  }),
})

export const OneEventQuery = parameters({
  node_id: Type.Optional(nodeIdParameter),
  source: Type.Optional(
    Type.String({
      maxLength: 2 * SOURCE_CODE_POINTS_MAX,
      description: 'The source that a plain text was sent with, where it was: it belongs to its identity.',
    }),
  ),
})

import { Type } from 'typebox'
import type { Static } from 'typebox'
import { DECISIONS, SETTLEMENT_REASONS } from '../tables.ts'
import type { Decision, SettlementReason } from '../tables.ts'
import {
  asOfField,
  exactMoneyField,
  nodeIdParameter,
  nullableTextField,
  page,
  pageParameters,
  parameters,
  roundedField,
  sumField,
  taskSourceField,
  timeField,
  wordField,
} from './fields.ts'
import { settlementStatusField } from './usage.ts'

export const SettlementsQuery = parameters({ node_id: Type.Optional(nodeIdParameter), ...pageParameters })

export const SettlementItem = Type.Object({
  settlement_id: Type.String(),
  node_id: Type.String(),
  operator_id: Type.String({ description: 'Who was paid.' }),
  from_seq: sumField("Pays the payable costs above this one in the node's sequence …"),
  to_seq: sumField('… up to and with this one. Ranges tile.'),
  costs: sumField('Costs paid.'),
  usd: roundedField(),
  usd_exact: exactMoneyField(),
  spark: sumField(),
  settled_at: timeField(),
  reason: wordField(Object.keys(SETTLEMENT_REASONS) as SettlementReason[]),
})
export type SettlementItem = Static<typeof SettlementItem>

export const SettlementPage = page(SettlementItem, { as_of: asOfField })

export const OpenCostItem = Type.Object({
  cost_seq: sumField("Number of the cost in the node's sequence."),
  event_id: Type.String({
    description: 'As it was sent; of events older than 50 days, the 128 bits as a UUID.',
  }),
  node_id: Type.String(),
  operator_id: nullableTextField('The operator when it was decided.'),
  task_source: taskSourceField(),
  decision: wordField(Object.keys(DECISIONS) as Decision[]),
  settlement_status: settlementStatusField(),
  usd: roundedField(),
  usd_exact: exactMoneyField(),
  spark: sumField('What it is worth.'),
  occurred_at: timeField(),
  decided_at: timeField(),
  age_seconds: Type.Integer({ description: 'Since it was decided.' }),
})
export type OpenCostItem = Static<typeof OpenCostItem>

export const OpenCostPage = page(OpenCostItem, { as_of: asOfField })

import { Type } from 'typebox'
import type { Static, TSchema } from 'typebox'
import { AMOUNT_UNIT, SETTING_NAMES, settingSpec } from '../settings.ts'
import type { SettingName } from '../settings.ts'
import {
  asOfField,
  nodeIdParameter,
  nullableTextField,
  page,
  pageParameters,
  parameters,
  timeField,
} from './fields.ts'

/** A setting as JSON; amounts are read exactly, from a number or a decimal string. */
function settingField(name: SettingName, direction: 'in' | 'out'): TSchema {
  const spec = settingSpec(name)
  const { minimum = 0, maximum = 0, words = [] } = spec
  const orNull = spec.nullable || (direction === 'out' && spec.default === null)
  if (spec.type === 'flag') return Type.Boolean()
  if (spec.type === 'word') {
    return Type.Unsafe<string | null>({
      type: orNull ? ['string', 'null'] : 'string',
      enum: [...words, ...(orNull ? [null] : [])],
    })
  }
  const isAmount = spec.type === 'amount'
  const unit = isAmount ? AMOUNT_UNIT : 1
  const bounds = { minimum: minimum / unit, maximum: maximum / unit }
  const types = [
    isAmount ? 'number' : 'integer',
    ...(isAmount && direction === 'in' ? ['string'] : []),
    ...(orNull ? ['null'] : []),
  ]
  const pattern = isAmount && direction === 'in' ? { pattern: '^\\d+(\\.\\d+)?$' } : {}
  return Type.Unsafe<number | null>({ type: types.length === 1 ? types[0] : types, ...bounds, ...pattern })
}

const fields = (direction: 'in' | 'out', wrap: (field: TSchema) => TSchema) =>
  Object.fromEntries(SETTING_NAMES.map((name) => [name, wrap(settingField(name, direction))]))

export const SettingsQuery = parameters({ node_id: Type.Optional(nodeIdParameter) })

/** Every field may be left out; unknown ones are ignored. */
export const SettingsBody = Type.Object(
  { node_id: Type.Optional(nodeIdParameter), ...fields('in', Type.Optional) },
  {
    additionalProperties: true,
    description:
      'A partial update: what is not here stays. null only for the limit (no limit) and the electricity rate.',
  },
)

export const JoinBody = Type.Object(
  {
    node_id: Type.Optional(nodeIdParameter),
    operator_id: Type.Optional(nodeIdParameter),
    ...fields('in', Type.Optional),
  },
  { additionalProperties: true },
)

const exactField = Type.Optional(nullableTextField('Exact twin, as decimal text.'))

export const SettingsView = Type.Object({
  node_id: Type.String(),
  ...fields('out', (field) => field),
  metered_daily_limit_usd_exact: exactField,
  offered_gpu_hours_per_day_exact: exactField,
  electricity_rate_kwh_exact: exactField,
  stored: Type.Object(fields('out', Type.Optional), {
    description: 'What this node has set; the fields beside it say what holds, overrides and tier included.',
  }),
})
export type SettingsView = Static<typeof SettingsView>

/** It is no enum of one boolean, which openapi-generator would compare with the text "true". */
const alwaysTrue = Type.Boolean({ description: 'Always true.' })

export const SettingsUpdated = Type.Object({
  updated: alwaysTrue,
  node_id: Type.String(),
  policy_fields: Type.Array(Type.String()),
  peer_fields: Type.Array(Type.String()),
})

export const Joined = Type.Object({
  joined: alwaysTrue,
  node_id: Type.String(),
  config: SettingsView,
  message: Type.String(),
})

export const OperatorBody = Type.Object(
  { node_id: Type.Optional(nodeIdParameter), operator_id: nodeIdParameter },
  { additionalProperties: false },
)

export const Claimed = Type.Object({
  node_id: Type.String(),
  operator_id: Type.String(),
  paid_spark: Type.Number({ description: 'What had been written off for want of an operator.' }),
  paid_micro_spark: Type.Unsafe<bigint>({ type: 'integer' }),
})

export const Transferred = Type.Object({ node_id: Type.String(), operator_id: Type.String() })

export const HistoryQuery = parameters({ node_id: Type.Optional(nodeIdParameter), ...pageParameters })

export const SettingsChange = Type.Object({
  changed_at: timeField(),
  caller: Type.String({ description: 'The credential that asked for it.' }),
  command_id: Type.String(),
  changes: Type.Array(
    Type.Object({
      name: Type.String(),
      before: Type.Unsafe<unknown>({}),
      after: Type.Unsafe<unknown>({}),
    }),
  ),
})
export type SettingsChange = Static<typeof SettingsChange>

export const SettingsHistoryPage = page(SettingsChange, { as_of: asOfField })

import { Type } from 'typebox'
import type { Static } from 'typebox'
import {
  asOfField,
  nullableTimeField,
  page,
  pageParameters,
  parameters,
  roundedField,
  sumField,
  timeField,
} from './fields.ts'

/** Longest name in a path. */
export const OPERATOR_CHARACTERS_MAX = 100

export const WalletParams = Type.Object({
  operator_id: Type.String({
    maxLength: OPERATOR_CHARACTERS_MAX,
    description: 'The operator; a wallet is named after it.',
  }),
})

export const WalletView = Type.Object({
  operator_id: Type.String(),
  balance_spark: roundedField(),
  balance_micro_spark: sumField(),
  nodes: Type.Array(
    Type.Object({
      node_id: Type.String(),
      spark: roundedField('What this node has earned for the operator.'),
      micro_spark: sumField(),
      entries: Type.Integer(),
      last_entry_at: nullableTimeField(),
    }),
    {
      description:
        'Nodes whose operator it is, or was, by the word of an admin or of a credential that names the operator; by id.',
    },
  ),
  unconfirmed: Type.Object(
    {
      nodes: Type.Integer(),
      spark: roundedField('What they have earned for the operator.'),
      micro_spark: sumField(),
    },
    {
      description:
        'Nodes that only say themselves whose they are, in events and heartbeats: part of the balance, not named here.',
    },
  ),
  as_of: asOfField,
})
export type WalletView = Static<typeof WalletView>

export const WalletEntriesQuery = parameters(pageParameters)

export const WalletEntryItem = Type.Object({
  entry_id: Type.String(),
  booked_at: timeField(),
  kind: Type.String(),
  node_id: Type.String(),
  reference_id: Type.String({ description: 'What it pays for: a settlement.' }),
  spark: roundedField(),
  micro_spark: sumField(),
  balance_spark: roundedField('After this entry.'),
  balance_micro_spark: sumField(),
})
export type WalletEntryItem = Static<typeof WalletEntryItem>

export const WalletEntryPage = page(WalletEntryItem, { as_of: asOfField })

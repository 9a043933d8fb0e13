import { Type } from 'typebox'
import type { Static } from 'typebox'
import { AUDIT_KINDS } from '../audit.ts'
import type { AuditKind } from '../audit.ts'
import {
  asOfField,
  nullableTextField,
  page,
  pageParameters,
  parameters,
  rangeParameters,
  sumField,
  timeField,
  wordField,
} from './fields.ts'

export const AuditQuery = parameters({
  ...rangeParameters,
  kind: Type.Optional(wordField<AuditKind>(AUDIT_KINDS)),
  ...pageParameters,
})

export const AuditItem = Type.Object({
  id: Type.String({ description: 'The same id twice is one thing, whose record was sent again.' }),
  at: timeField('When the log took it.'),
  kind: wordField<AuditKind>(AUDIT_KINDS),
  subject: nullableTextField(
    'The credential (`key:…`, `jwt:…`) or `address:…`; `others` for those that a minute had no room for. Null where a node said it of itself.',
  ),
  node_id: nullableTextField('The node; of refused ones the first.'),
  address: nullableTextField('The client address; of several the first.'),
  before: nullableTextField('What there was: tier, key.'),
  after: nullableTextField('What there is: tier, operator, key.'),
  count: sumField('How often; refusals are added up for a minute.'),
  reason: Type.String({ description: 'Of the first.' }),
})
export type AuditItem = Static<typeof AuditItem>

export const AuditPage = page(AuditItem, { as_of: asOfField })

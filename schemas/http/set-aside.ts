import { Type } from 'typebox'
import type { Static } from 'typebox'
import {
  asOfField,
  nodeIdParameter,
  nullableIntegerField,
  nullableTextField,
  page,
  pageParameters,
  parameters,
  rangeParameters,
  timeField,
} from './fields.ts'
import { EventItem } from './usage.ts'

export const SetAsideQuery = parameters({
  node_id: Type.Optional(nodeIdParameter),
  ...rangeParameters,
  ...pageParameters,
})

export const SetAsideItem = Type.Object({
  id: Type.String({
    description: 'Of the record that it came in: topic, partition and offset, with ":" between.',
  }),
  index: nullableIntegerField(
    'Place of the event in the record, from 0; null where it is the record itself.',
  ),
  node_id: nullableTextField('As the event named it; null where none can be read.'),
  event_id: nullableTextField('As it was sent.'),
  reason: Type.String({ description: 'A stable word: conflict, too_old, out_of_range, wrong_partition, …' }),
  detail: Type.String({ description: 'For people.' }),
  received_at: timeField('When the record was received.'),
  set_aside_at: timeField(),
  event: Type.Unsafe<Readonly<Record<string, string | number | Readonly<Record<string, string>>>> | null>({
    type: ['object', 'null'],
    additionalProperties: true,
    description: 'What was sent, in the form of POST /v1/events; null where it cannot be read.',
  }),
  // No anyOf: a client that chooses between schemas by looking at the value cannot handle integers beyond 2^53.
  counted: Type.Unsafe<Static<typeof EventItem> | null>({
    ...EventItem,
    type: ['object', 'null'],
    description: 'Where the reason is conflict: the event that counts under this id.',
  }),
  record_base64: nullableTextField("The record's bytes, for admins that ask without a node."),
})
export type SetAsideItem = Static<typeof SetAsideItem>

export const SetAsidePage = page(SetAsideItem, { as_of: asOfField })

/** Longest name of a record, in characters: a topic of 249, a partition, an offset. */
export const LETTER_CHARACTERS_MAX = 300

export const LetterParams = Type.Object({
  id: Type.String({
    maxLength: LETTER_CHARACTERS_MAX,
    pattern: '^[A-Za-z0-9._-]+:\\d{1,5}:\\d{1,19}$',
    description: 'id of the list.',
  }),
})

export const ReplayAnswer = Type.Object({
  put_back: Type.Integer({ description: 'Events that are in usage.metered again.' }),
  counted: Type.Integer({ description: 'Events that are counted already.' }),
  refused: Type.Integer({ description: 'Events that the rules still refuse.' }),
  lines: Type.Array(Type.String(), { description: 'What became of each, for people.' }),
})

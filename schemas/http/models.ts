import { Type } from 'typebox'
import type { Static } from 'typebox'
import { MODEL_ROWS_MAX, TDP_WATTS_MAX } from '../models.ts'
import { TDP_WATTS_DEFAULT } from '../usage.ts'
import { nullableTextField, nullableTimeField, wordField } from './fields.ts'

/** Where a model runs: behind a paid API, or on the node. */
export const EXECUTIONS = ['api', 'local'] as const
export type Execution = (typeof EXECUTIONS)[number]

/** Longest pattern in characters: `*` after a name of 128 code points. */
const PATTERN_CHARACTERS_MAX = 129

const rowFields = {
  pattern: Type.String({
    minLength: 1,
    maxLength: PATTERN_CHARACTERS_MAX,
    description: 'A model\'s name, or the beginning of names and one "*" at its end.',
    examples: ['gpt-4.1', 'claude-*'],
  }),
  execution: wordField<Execution>(EXECUTIONS, { description: '`api`: its calls are paid for.' }),
}

const wattsField = {
  minimum: 0,
  maximum: TDP_WATTS_MAX,
  description: 'Board power, for energy that nobody measured.',
}

export const ModelItem = Type.Object({ ...rowFields, tdp_watts: Type.Integer(wattsField) })
export type ModelItem = Static<typeof ModelItem>

export const ModelsView = Type.Object({
  version: Type.Integer({ minimum: 1, description: 'Rows of usage say by which version they were judged.' }),
  written_at: nullableTimeField('Null for version 1, which is compiled in.'),
  written_by: nullableTextField('The credential, or `migrate`. Null for version 1.'),
  rows: Type.Array(ModelItem),
})
export type ModelsView = Static<typeof ModelsView>

export const ModelsBody = Type.Object(
  {
    rows: Type.Array(
      Type.Object({
        ...rowFields,
        tdp_watts: Type.Optional(
          // The default is given in words: openapi-fetch requires a member of a body that has a `default`.
          Type.Integer({
            ...wattsField,
            description: `${wattsField.description} Default ${TDP_WATTS_DEFAULT}.`,
          }),
        ),
      }),
      { maxItems: MODEL_ROWS_MAX },
    ),
  },
  { description: 'The whole table: what is not here is no longer in it.' },
)

export const ModelsHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({ maxLength: 100, description: 'ETag of the table that was read, or several with commas.' }),
  ),
})

export const ModelsUpdated = Type.Object({
  updated: Type.Boolean({ description: 'False: the table was so already, and no version was written.' }),
  version: Type.Integer({ minimum: 1 }),
})

import { LABEL_NAME_PATTERN, isLabelName, isLabelValue } from '../../../schemas/labels.ts'
import { EXECUTIONS, NO_MORE, USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { Execution, Label, UsageMore } from '../../../schemas/usage.ts'
import type { FieldReader } from '../../json/field-reader.ts'
import { jsonPointer } from '../../json/refusal.ts'
import { NumberText } from '../../json/number-text.ts'

/** Members that few events have. */
export const MORE_FIELDS = [
  'gpus',
  'inferences',
  'tokens_cached',
  'tokens_reasoning',
  'execution',
  'labels',
] as const

type Said = Readonly<Partial<Record<(typeof MORE_FIELDS)[number], unknown>>>

const { gpusMax, inferencesMax, labelsMax, labelValueMax } = USAGE_BOUNDS

/** Reads them; null where all of them have the same value as in an event without them. */
export function readMore(
  reader: FieldReader,
  item: Said,
  tokensIn: number,
  tokensOut: number,
): UsageMore | null {
  const more: UsageMore = {
    gpus: reader.integerFrom1(item.gpus, '/gpus', gpusMax),
    inferences: reader.integerFrom1(item.inferences, '/inferences', inferencesMax),
    tokens_cached: partOf(reader, item.tokens_cached, '/tokens_cached', 'tokens_in', tokensIn),
    tokens_reasoning: partOf(reader, item.tokens_reasoning, '/tokens_reasoning', 'tokens_out', tokensOut),
    execution: executionOf(reader, item.execution),
    labels: labelsOf(reader, item.labels),
  }
  return isNothing(more) ? null : more
}

function isNothing({ labels, ...said }: UsageMore): boolean {
  const { labels: _none, ...nothing } = NO_MORE
  const names = Object.keys(nothing) as (keyof typeof nothing)[]
  return labels.length === 0 && names.every((name) => said[name] === nothing[name])
}

/** Tokens that are already included in the total. */
function partOf(
  reader: FieldReader,
  value: unknown,
  path: string,
  wholeName: string,
  whole: number,
): number | null {
  const part = reader.integer(value, path, USAGE_BOUNDS.tokensMax, null)
  if (part !== null && part > whole) {
    reader.refuse('out_of_range', path, `Is ${part}: a part of ${wholeName}, of which there are ${whole}.`)
  }
  return part
}

function executionOf(reader: FieldReader, value: unknown): Execution | null {
  return value === undefined || value === null ? null : reader.oneOf(value, '/execution', EXECUTIONS)
}

/** The labels by name, so that the order in which they were sent makes no difference. */
function labelsOf(reader: FieldReader, value: unknown): readonly Label[] {
  if (value === undefined || value === null) return []
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof NumberText) {
    reader.refuse('wrong_type', '/labels', 'Must be an object of texts.')
    return []
  }
  const labels: Label[] = []
  for (const [name, said] of Object.entries(value)) {
    const path = `/labels${jsonPointer(name)}`
    if (!isLabelName(name)) {
      reader.refuse('invalid_text', path, `Is no name of a label: ${LABEL_NAME_PATTERN}`)
    } else if (typeof said !== 'string') {
      reader.refuse('wrong_type', path, 'Must be a string.')
    } else if (isLabelValue(said)) {
      labels.push({ name, value: said })
    } else {
      reader.refuse(
        'invalid_text',
        path,
        `Must be 1 to ${labelValueMax} code points, none of them a control, surrogate or unassigned one.`,
      )
    }
  }
  if (labels.length > labelsMax) {
    reader.refuse('out_of_range', '/labels', `Are ${labels.length}; at most ${labelsMax} are taken.`)
  }
  return labels.sort((left, right) => (left.name < right.name ? -1 : 1))
}

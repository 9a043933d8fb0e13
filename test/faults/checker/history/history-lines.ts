import { ENERGY_SOURCES, TASK_SOURCES } from '../../../../schemas/usage.ts'
import { HistoryError, OUTCOMES } from './history.ts'
import type { Attempt } from './history.ts'
import { EXECUTIONS } from '../work.ts'

/** A line of events-*.jsonl. Throws a HistoryError that names the field. */
export function parseAttempt(line: string): Attempt {
  const fields = parseObject(line)
  const id = textOf(fields, 'id')
  if (!/^(?:text:)?[0-9a-f]{32}$/.test(id)) throw new HistoryError(`"id" is not 32 hex digits: ${id}`)
  return {
    nodeId: textOf(fields, 'node'),
    id,
    work: {
      operatorId: fields['operator'] === null ? null : textOf(fields, 'operator'),
      modelId: textOf(fields, 'model'),
      taskSource: wordOf(fields, 'source', TASK_SOURCES),
      occurredAtMs: integerOf(fields, 'at'),
      tokensIn: integerOf(fields, 'in'),
      tokensOut: integerOf(fields, 'out'),
      durationMs: nullableOf(fields, 'duration'),
      gpuMs: nullableOf(fields, 'gpu'),
      energyMwh: nullableOf(fields, 'energy'),
      energySource: wordOf(fields, 'energySource', ENERGY_SOURCES),
      costNanoUsd: integerOf(fields, 'cost'),
      inferences: integerOf(fields, 'inferences'),
      execution: fields['execution'] === null ? null : wordOf(fields, 'execution', EXECUTIONS),
    },
    outcome: wordOf(fields, 'outcome', OUTCOMES),
    isConflict: fields['conflict'] === true,
  }
}

type Fields = Readonly<Record<string, unknown>>

/** A line as an object. Throws a HistoryError. */
export function parseObject(line: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new HistoryError('not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new HistoryError('no object')
  return value as Fields
}

/** A text field. Throws a HistoryError. */
export function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new HistoryError(`"${name}" is not a text`)
  return value
}

/** A whole number that a double holds exactly. Throws a HistoryError. */
export function integerOf(fields: Fields, name: string): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw new HistoryError(`"${name}" is not a whole number`)
  }
  return value
}

function nullableOf(fields: Fields, name: string): number | null {
  return fields[name] === null ? null : integerOf(fields, name)
}

function wordOf<Word extends string>(fields: Fields, name: string, words: readonly Word[]): Word {
  const word = words.find((one) => one === fields[name])
  if (word === undefined) throw new HistoryError(`"${name}" is none of ${words.join(', ')}`)
  return word
}

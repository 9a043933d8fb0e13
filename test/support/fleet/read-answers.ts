import assert from 'node:assert/strict'
import { normalise } from '../../../pipelines/fleet/normalise.ts'
import { readPoll } from '../../../pipelines/fleet/poll.ts'
import type { Telemetry } from '../../../pipelines/fleet/telemetry.ts'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { POLLED_AT } from './poll-document.ts'

/** Answers by what was asked; a text is an answer as its bytes came. */
export type Asked = Readonly<Record<string, unknown>>

/** A model record of the tests' own, as the inventory has it. */
export const TEST_MODEL: JsonObject = {
  make: 'Maker',
  model: 'Model 3',
  algorithm: 'SHA-256',
  boards: 3,
  chips_per_board: 63,
  fans: 2,
}

export interface ReadAnswers {
  readonly telemetry: Telemetry
  readonly warnings: readonly string[]
}

/** What an adapter makes of these answers, polled at `POLLED_AT`, of a machine of `TEST_MODEL` unless the context says otherwise. */
export function readAnswers(adapter: string, asked: Asked, context: JsonObject = {}): ReadAnswers {
  const answers = Object.entries(asked).map(([request, body]) =>
    typeof body === 'string' ? { request, body_text: body } : { request, body },
  )
  const poll = readPoll({
    adapter,
    collected_at: POLLED_AT,
    context: { model: TEST_MODEL, ...context },
    answers,
  })
  assert.ok(!('problem' in poll))
  const outcome = normalise(poll)
  assert.ok(outcome !== 'unsupported' && 'telemetry' in outcome)
  return outcome
}

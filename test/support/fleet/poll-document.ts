import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import type { ModelTruth, PoolTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import type { AskedAnswer } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { orAbsent } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'

/** By the node's clock, in every document that is made from a truth. */
export const POLLED_AT = '2026-05-04T03:02:01.000Z'
export const POLLED_AT_S = Date.parse(POLLED_AT) / 1_000

export interface DocumentParts {
  readonly adapter: string
  readonly model: ModelTruth | null
  readonly answers: readonly AskedAnswer[]
  /** Odd: the answers came in the other order. */
  readonly order: number
  readonly gpusExpected?: number | null
}

export function pollDocument({ adapter, model, answers, order, gpusExpected }: DocumentParts): JsonObject {
  const asked = answers.map(([request, body]) =>
    typeof body === 'string'
      ? { request, transport: 'any', body_text: body }
      : { request, transport: 'any', body },
  )
  const known = orAbsent(model, ({ chipsPerBoard, ...rest }) => ({ ...rest, chips_per_board: chipsPerBoard }))
  return {
    adapter,
    collected_at: POLLED_AT,
    context: { model: known, gpus_expected: gpusExpected ?? undefined },
    answers: order % 2 === 0 ? asked : asked.toReversed(),
  }
}

/** When a pool had its last share, as telemetry says it. */
export function lastShareAt({ shareAgeS }: PoolTruth): string | null {
  return shareAgeS === null ? null : new Date((POLLED_AT_S - shareAgeS) * 1_000).toISOString()
}

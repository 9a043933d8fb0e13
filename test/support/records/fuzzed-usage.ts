import type { Dice } from '../../../infra/local/sample/random.ts'
import { schemaIdOf, usageEventsCodec } from '../../../schemas/avro.ts'
import { holdsUsageEvents, usageEventsIn } from '../../../schemas/usage-values.ts'
import { NO_MORE, USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { UsageEvent, UsageMore } from '../../../schemas/usage.ts'
import { damaged } from './fuzzed-bytes.ts'

/**
 * Records of usage.metered that are as far from ordinary as they can be: valid ones at every bound, and ones that are not
 * valid.
 */

/** Values at each bound of each number, and one beyond it. */
const NUMBERS: readonly (readonly [keyof UsageEvent, readonly number[]])[] = [
  ['tokens_in', [0, USAGE_BOUNDS.tokensMax, USAGE_BOUNDS.tokensMax + 1, -1]],
  ['tokens_out', [0, USAGE_BOUNDS.tokensMax, USAGE_BOUNDS.tokensMax + 1, -1]],
  ['duration_ms', [0, USAGE_BOUNDS.durationMsMax, USAGE_BOUNDS.durationMsMax + 1, -1]],
  ['gpu_ms', [0, USAGE_BOUNDS.durationMsMax, USAGE_BOUNDS.durationMsMax + 1, -1]],
  ['energy_mwh', [0, USAGE_BOUNDS.energyMwhMax, USAGE_BOUNDS.energyMwhMax + 1, -1]],
  ['cost_nano_usd', [0, 1, USAGE_BOUNDS.costNanoUsdMax, USAGE_BOUNDS.costNanoUsdMax + 1, -1]],
]

/** Fields that few events have: at their bounds, beyond them, and without content. */
const MORE: readonly (Partial<UsageMore> | null)[] = [
  null,
  {},
  { gpus: USAGE_BOUNDS.gpusMax },
  { gpus: USAGE_BOUNDS.gpusMax + 1 },
  { gpus: 0 },
  { inferences: USAGE_BOUNDS.inferencesMax },
  { inferences: USAGE_BOUNDS.inferencesMax + 1 },
  { inferences: -1 },
  { tokens_cached: 0, tokens_reasoning: 0 },
  { tokens_cached: USAGE_BOUNDS.tokensMax },
  { tokens_reasoning: -1 },
  { execution: 'api' },
  { execution: 'local' },
  { labels: [{ name: 'team', value: 'näme' }] },
  { labels: ['b', 'a'].map((name) => ({ name, value: name })) },
  { labels: ['a', 'a'].map((name) => ({ name, value: name })) },
  { labels: [{ name: 'A', value: 'x' }] },
  { labels: [{ name: 'a', value: '' }] },
  { labels: Array.from('abcdefghi', (name) => ({ name, value: 'x' })) },
]

/** Times of work relative to a receipt, at each bound and beyond it; none is so near a bound that the clock decides. */
const AGES_MS = [
  0,
  USAGE_BOUNDS.ageMsMax - 3_600_000,
  USAGE_BOUNDS.ageMsMax + 3_600_000,
  60_000 - USAGE_BOUNDS.aheadMsMax,
  -3_600_000,
  -(2 ** 43),
]

const TEXTS = ['', ' ', '!task', '!cmd/x', 'n'.repeat(64), 'n'.repeat(65), '\u0000', 'näme', 'a/b']
const TEXT_FIELDS = ['node_id', 'operator_id', 'model_id', 'goal_id', 'reservation_id'] as const

/** Every number at its upper bound. */
const HEAVIEST: Partial<UsageEvent> = {
  task_source: 'hive',
  tokens_in: USAGE_BOUNDS.tokensMax,
  tokens_out: USAGE_BOUNDS.tokensMax,
  duration_ms: USAGE_BOUNDS.durationMsMax,
  gpu_ms: USAGE_BOUNDS.durationMsMax,
  energy_mwh: USAGE_BOUNDS.energyMwhMax,
  energy_source: 'meter',
  cost_nano_usd: USAGE_BOUNDS.costNanoUsdMax,
}

/** Events of a record that is as heavy as it can be: a thousand such records bring a node's cost beyond 64 bits. */
const HEAVY_EVENTS = 40
const HEAVY_SHARE = 0.017

/** A record's value made of fresh events, each used once: bytes that may be a valid record or not. */
export function fuzzedValue(dice: Dice, fresh: () => UsageEvent, nowMs: number): Buffer | null {
  if (dice.next() < HEAVY_SHARE) {
    const events = Array.from({ length: HEAVY_EVENTS }, () => ({ ...fresh(), ...HEAVIEST }))
    return usageEventsCodec.encode({ events })
  }
  const events = Array.from({ length: dice.between(1, 3) }, () => odd(dice, fresh(), nowMs))
  return damaged(dice, usageEventsCodec.encode({ events }))
}

/**
 * Events that a value may be taken for, however it was made: those whose numbers fit a double. Others are out of every
 * bound.
 */
export function eventsIn(value: Buffer | null): readonly UsageEvent[] {
  if (value === null || !holdsUsageEvents(schemaIdOf(value))) return []
  try {
    return usageEventsIn(value).filter(isExact)
  } catch {
    return []
  }
}

function isExact(event: UsageEvent): boolean {
  const numbers = [...Object.values(event), ...Object.values(event.more ?? {})]
  return numbers.every((field) => typeof field !== 'number' || Number.isSafeInteger(field))
}

/** Up to three fields at one of their bounds, or beyond it. */
function odd(dice: Dice, event: UsageEvent, nowMs: number): UsageEvent {
  const fields: Record<string, unknown> = {}
  for (let changes = dice.between(0, 3); changes > 0; changes--) {
    const chance = dice.next()
    if (chance < 0.1) {
      const more = dice.pick(MORE)
      fields['more'] = more === null ? null : { ...NO_MORE, ...more }
    } else if (chance < 0.6) {
      const [name, numbers] = dice.pick(NUMBERS)
      fields[name] = dice.pick(numbers)
    } else if (chance < 0.8) fields['occurred_at'] = nowMs - dice.pick(AGES_MS)
    else fields[dice.pick(TEXT_FIELDS)] = dice.pick(TEXTS)
  }
  return { ...event, ...fields }
}

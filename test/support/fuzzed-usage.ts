import type { Dice } from '../../infra/local/sample/random.ts'
import { holdsUsageEvents, schemaIdOf, usageEventsCodec } from '../../schemas/avro.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'

/** Records of usage.metered that are as far from ordinary as they can be: valid ones at every bound, and ones that are none. */

/** At each bound of each number, and one beyond it; tokens are 32 bits, and so is their bound. */
const NUMBERS: readonly (readonly [keyof UsageEvent, readonly number[]])[] = [
  ['tokens_in', [0, USAGE_BOUNDS.tokensMax, -1]],
  ['tokens_out', [0, USAGE_BOUNDS.tokensMax, -1]],
  ['duration_ms', [0, USAGE_BOUNDS.durationMsMax, USAGE_BOUNDS.durationMsMax + 1, -1]],
  ['gpu_ms', [0, USAGE_BOUNDS.durationMsMax, USAGE_BOUNDS.durationMsMax + 1, -1]],
  ['energy_mwh', [0, USAGE_BOUNDS.energyMwhMax, USAGE_BOUNDS.energyMwhMax + 1, -1]],
  ['cost_nano_usd', [0, 1, USAGE_BOUNDS.costNanoUsdMax, USAGE_BOUNDS.costNanoUsdMax + 1, -1]],
]

/** Times of work as seen from a receipt, at each bound and beyond it; none is so near a bound that the clock decides. */
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
const SCHEMA_IDS = [0, 2, 3, 4, 10, 17, 99, 2 ** 31, 2 ** 32 - 1]

/** A record's value made of fresh events, each used once: bytes that may be a record, or none. */
export function fuzzedValue(dice: Dice, fresh: () => UsageEvent, nowMs: number): Buffer | null {
  const events = Array.from({ length: dice.between(1, 3) }, () => odd(dice, fresh(), nowMs))
  const value = usageEventsCodec.encode({ events })
  switch (dice.between(0, 7)) {
    case 0:
      return value.subarray(0, dice.between(0, value.length - 1))
    case 1:
    case 2:
      return withFlippedBits(dice, value)
    case 3:
      return withSchemaId(dice, value)
    case 4:
      return Buffer.concat([value, randomBytes(dice, dice.between(1, 40))])
    case 5:
      return dice.next() < 0.1 ? null : randomBytes(dice, dice.between(0, 200))
    default:
      return value
  }
}

/**
 * Events that a value may be taken for, whatever made it: those whose numbers a double holds. Others are out of every bound.
 */
export function eventsIn(value: Buffer | null): readonly UsageEvent[] {
  if (value === null || !holdsUsageEvents(schemaIdOf(value))) return []
  try {
    return usageEventsCodec.decode(value).events.filter(isExact)
  } catch {
    return []
  }
}

function isExact(event: UsageEvent): boolean {
  return Object.values(event).every((field) => typeof field !== 'number' || Number.isSafeInteger(field))
}

/** Up to three fields at a bound of theirs, or beyond it. */
function odd(dice: Dice, event: UsageEvent, nowMs: number): UsageEvent {
  const fields: Record<string, unknown> = {}
  for (let changes = dice.between(0, 3); changes > 0; changes--) {
    const chance = dice.next()
    if (chance < 0.6) {
      const [name, numbers] = dice.pick(NUMBERS)
      fields[name] = dice.pick(numbers)
    } else if (chance < 0.8) fields['occurred_at'] = nowMs - dice.pick(AGES_MS)
    else fields[dice.pick(TEXT_FIELDS)] = dice.pick(TEXTS)
  }
  return { ...event, ...fields }
}

function withFlippedBits(dice: Dice, value: Buffer): Buffer {
  const flipped = Buffer.from(value)
  for (let flips = dice.between(1, 4); flips > 0; flips--) {
    const at = dice.between(0, flipped.length - 1)
    flipped[at] = (flipped[at] as number) ^ (1 << dice.between(0, 7))
  }
  return flipped
}

function withSchemaId(dice: Dice, value: Buffer): Buffer {
  const other = Buffer.from(value)
  other.writeUInt32BE(dice.pick(SCHEMA_IDS), 1)
  return other
}

function randomBytes(dice: Dice, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => dice.between(0, 255)))
}

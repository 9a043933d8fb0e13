import type { Dice } from '../../../infra/local/sample/random.ts'

/** What happens to the bytes of a record on their way: most stay as they are, the others are no valid record any more. */

const SCHEMA_IDS = [
  0,
  1,
  2,
  3,
  4,
  5,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
  17,
  18,
  19,
  20,
  27,
  28,
  34,
  35,
  36,
  40,
  41,
  60,
  99,
  2 ** 31,
  2 ** 32 - 1,
] as const

/** The value unchanged, cut, with flipped bits, under another schema id, with bytes after it, or replaced as a whole. */
export function damaged(dice: Dice, value: Buffer): Buffer | null {
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

/** The value cut short at each of its bytes, the shortest first, and complete. */
export function everyTruncation(value: Buffer): Buffer[] {
  return Array.from({ length: value.length + 1 }, (_, length) => value.subarray(0, length))
}

/** Up to four bits are changed. */
export function withFlippedBits(dice: Dice, value: Buffer): Buffer {
  const flipped = Buffer.from(value)
  for (let flips = dice.between(1, 4); flips > 0; flips--) {
    const at = dice.between(0, flipped.length - 1)
    flipped[at] = (flipped[at] as number) ^ (1 << dice.between(0, 7))
  }
  return flipped
}

export function randomBytes(dice: Dice, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => dice.between(0, 255)))
}

function withSchemaId(dice: Dice, value: Buffer): Buffer {
  const other = Buffer.from(value)
  other.writeUInt32BE(dice.pick(SCHEMA_IDS), 1)
  return other
}

import { randomBytes } from 'node:crypto'

/** Chance as a parameter: back-off jitter and new ids come from here, so that a seed repeats a run. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** `sizeBytes` bytes that cannot be guessed. */
  bytes(sizeBytes: number): Buffer
}

const RANGE_48_BITS = 2 ** 48

/** The machine's source of chance. */
export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / RANGE_48_BITS,
  bytes: (sizeBytes) => randomBytes(sizeBytes),
}

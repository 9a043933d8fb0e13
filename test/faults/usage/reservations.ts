/** So long one name of a reservation is in use: costs of that time may name it, or the one before. */
const SLOT_MS = 10_000

/** The reservation that clients make, and name with their costs, around a time: whoever makes it need not tell. */
export function reservationAt(atMs: number): string {
  return `slot-${Math.floor(atMs / SLOT_MS)}`
}

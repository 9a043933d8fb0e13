/** How long one name of a reservation is in use: costs of that time may name it, or the one before. */
const SLOT_MS = 10_000

/**
 * The reservation that clients make around a time, and name with their costs: all of them can compute it without a
 * message.
 */
export function reservationAt(atMs: number): string {
  return `slot-${Math.floor(atMs / SLOT_MS)}`
}

import type { IdKind } from '../../schemas/identity.ts'

/** An event that may have left memory, which is looked up in ClickHouse by its whole sort key. */
export interface LookupKey {
  readonly nodeId: string
  readonly occurredAtMs: number
  readonly eventId: Buffer
  readonly kind: IdKind
}

/** What ClickHouse has of the keys: content hash (as two signed words) by `lookupName`. */
export type Found = ReadonlyMap<string, { readonly low: number; readonly high: number }>

/**
 * Queries ClickHouse for the keys that it has, within 5 s. Null where it does not answer, or where the replica that answers
 * has not loaded up to `evictedSeq`: what left memory may be missing there.
 */
export type Lookup = (
  partition: number,
  evictedSeq: number,
  keys: readonly LookupKey[],
) => Promise<Found | null>

/** The name of a key in `Found`. */
export function lookupName(nodeId: string, eventIdHex: string, kind: IdKind): string {
  return kind === 'id' ? `${nodeId}/${eventIdHex}` : `${nodeId}/${eventIdHex}/${kind}`
}

/** A content hash of `usage_events` as the two signed words that memory compares. */
export function contentWords(hash: bigint): { readonly low: number; readonly high: number } {
  return { low: Number(BigInt.asIntN(32, hash)), high: Number(BigInt.asIntN(32, hash >> 32n)) }
}

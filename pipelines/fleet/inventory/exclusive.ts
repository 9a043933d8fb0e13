import type { Body, EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import type { Book } from './book.ts'
import { exclusiveKeysOf } from './index-keys.ts'
import type { Refused } from './refusal.ts'
import { refused } from './refusal.ts'
import { KNOWN_ALL, piecesOf } from './versions.ts'

/**
 * Why an entity cannot have this body from `fromMs` until `toMs`: another one has something of it then that only one can
 * have, by the versions that came with records at or below `knownTo`. Null where it can.
 */
export function exclusiveFault(
  book: Book,
  kind: EntityKind,
  id: string,
  body: Body,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  knownTo = KNOWN_ALL,
): Refused | null {
  for (const { key, code, detail } of exclusiveKeysOf(kind, body)) {
    for (const other of book.keyed(key)) {
      if (other.kind !== kind || other.id === id) continue
      const isHeld = piecesOf(other.versions, knownTo).some(
        (piece) =>
          piece.fromMs < toMs &&
          fromMs < piece.toMs &&
          exclusiveKeysOf(kind, piece.version.body ?? {}).some((one) => one.key === key),
      )
      if (isHeld) return refused(code, detail)
    }
  }
  return null
}

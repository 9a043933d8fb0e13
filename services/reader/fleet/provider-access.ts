import type { Book } from '../../../pipelines/fleet/inventory/book.ts'
import type { Entity } from '../../../pipelines/fleet/inventory/entity.ts'
import { ofWorker } from '../../../pipelines/fleet/inventory/index-keys.ts'
import type { EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import type { Version } from '../../../schemas/fleet/inventory/records.ts'
import { isAdmin } from '../../http/caller.ts'
import type { Caller } from '../../http/caller.ts'

/** What a technician changes: machines, where they stand, and what is done to them. */
const OF_TECHNICIANS: ReadonlySet<EntityKind> = new Set([
  'worker',
  'identity',
  'assignment',
  'slot',
  'ticket',
  'window',
])

/** What a caller may do with one provider's inventory. */
export interface ProviderAccess {
  readonly mayWrite: (kind: EntityKind) => boolean
  /** Whether it may see an entity of this provider's book. */
  readonly sees: (book: Book, entity: Entity) => boolean
  /** The customers whose machines it may see; null where it may see those of all. */
  readonly customers: ReadonlySet<string> | null
}

/** Null for a provider of which the caller must not learn whether it is there. */
export function accessTo(caller: Caller, providerId: string): ProviderAccess | null {
  if (isAdmin(caller)) return { mayWrite: () => true, sees: () => true, customers: null }
  const grants = caller.grants.filter(({ provider_id }) => provider_id === providerId)
  if (grants.length === 0) return null
  const roles = new Set(grants.map(({ role }) => role))
  const isAtWork = roles.has('provider_admin') || roles.has('technician')
  const customers = new Set(grants.flatMap(({ customer_id }) => customer_id ?? []))
  return {
    mayWrite: (kind) => roles.has('provider_admin') || (roles.has('technician') && OF_TECHNICIANS.has(kind)),
    sees: (book, entity) => isAtWork || isOfCustomer(book, entity, customers),
    customers: isAtWork ? null : customers,
  }
}

/** A customer sees itself, its assignments, and the machines that were ever assigned to it of those that are kept. */
function isOfCustomer(book: Book, { kind, id, versions }: Entity, customers: ReadonlySet<string>): boolean {
  if (kind === 'customer') return customers.has(id)
  if (kind === 'assignment') return names(versions.at(-1), customers)
  if (kind !== 'worker') return false
  for (const other of book.keyed(ofWorker(id)))
    if (other.kind === 'assignment' && other.versions.some((version) => names(version, customers)))
      return true
  return false
}

function names(version: Version | undefined, customers: ReadonlySet<string>): boolean {
  const customer = version?.body?.['customer']
  return typeof customer === 'string' && customers.has(customer)
}

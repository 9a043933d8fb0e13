import type { Body, EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import type { InventoryCode } from '../../../schemas/fleet/inventory/records.ts'
import { idsIn, numberIn, textIn } from './body.ts'
import { identityForm } from './normalise.ts'

/** What an entity is found by besides its id. Keys of different kinds of things never collide: each begins with its word. */

/** Of a worker: its identities, assignments, tickets and conflicts. */
export const ofWorker = (workerId: string): string => `of ${workerId}`
/** Of a place: the windows over it. */
export const overPlace = (scope: string, id: string): string => `over ${scope} ${id}`
/** Of a node: the token that it enrols with. */
export const ofToken = (hash: string): string => `token ${hash}`
/** Of a serial number or MAC, in the form of `normalise.ts`. */
export const ofIdentity = (kind: 'serial' | 'mac', form: string): string => `${kind} ${form}`
/** Of an address at a node. */
export const ofPin = (nodeId: string, form: string): string => `pin ${nodeId} ${form}`

/** A key that two entities must not have at one time, and the code with which the second is refused. */
export interface ExclusiveKey {
  readonly key: string
  readonly code: InventoryCode
  readonly detail: string
}

/** The keys under which an entity of this kind is found while it has this body. */
export function keysOf(kind: EntityKind, body: Body): string[] {
  const keys = exclusiveKeysOf(kind, body).map(({ key }) => key)
  const worker = textIn(body, 'worker')
  if (worker !== null) keys.push(ofWorker(worker))
  if (kind === 'window') {
    const scope = textIn(body, 'scope') ?? ''
    const field = scope === 'workers' ? 'workers' : scope
    for (const id of idsIn(body[field])) keys.push(overPlace(scope, id))
  }
  if (kind === 'enrolment') keys.push(ofToken(textIn(body, 'token_hash') ?? ''))
  return keys
}

/** The keys that it must not share with another entity at any time. */
export function exclusiveKeysOf(kind: EntityKind, body: Body): ExclusiveKey[] {
  switch (kind) {
    case 'worker':
      return [
        {
          key: `asset ${textIn(body, 'asset_code') ?? ''}`,
          code: 'asset_code_taken',
          detail: 'Another worker has this asset code in that time.',
        },
      ]
    case 'identity':
      return identityKeys(body)
    case 'assignment':
      return assignmentKeys(body)
    case 'slot':
      return [
        {
          key: slotKey(body),
          code: 'slot_exists',
          detail: 'The container has this slot already.',
        },
      ]
    default:
      return []
  }
}

function identityKeys(body: Body): ExclusiveKey[] {
  const kind = textIn(body, 'kind') ?? ''
  const form = identityForm(kind, textIn(body, 'value') ?? '')
  if (form === null) return []
  const key =
    kind === 'pin'
      ? ofPin(textIn(body, 'node') ?? '', form)
      : ofIdentity(kind === 'mac' ? 'mac' : 'serial', form)
  return [{ key, code: 'identity_taken', detail: 'A worker has this identity in that time.' }]
}

function assignmentKeys(body: Body): ExclusiveKey[] {
  const keys: ExclusiveKey[] = [
    {
      key: `assigned ${textIn(body, 'worker') ?? ''}`,
      code: 'overlap',
      detail: 'The worker has another assignment in that time: end it first, or begin later.',
    },
  ]
  const slot = textIn(body, 'slot')
  if (slot !== null)
    keys.push({
      key: `stands ${slot}`,
      code: 'slot_taken',
      detail: 'Another worker stands in this slot in that time.',
    })
  return keys
}

function slotKey(body: Body): string {
  const label = textIn(body, 'label')
  const place = label ?? `${numberIn(body, 'row') ?? ''}/${numberIn(body, 'col') ?? ''}`
  return `slot ${textIn(body, 'container') ?? ''} ${label === null ? 'at' : 'called'} ${place}`
}

import { BODY_BYTES_MAX, VERSIONS_MAX } from '../../../schemas/fleet/inventory/bounds.ts'
import { SEQ_MAX } from '../../../schemas/fleet/bounds.ts'
import type { EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import { ACTIONS } from '../../../schemas/fleet/inventory/records.ts'
import type { Action, InventoryCommand } from '../../../schemas/fleet/inventory/records.ts'
import { isFreeText } from '../../../schemas/ids.ts'
import { isJsonObject } from '../../json/json-object.ts'
import { isId, readGiven } from './body.ts'
import type { Given } from './body.ts'
import type { Request } from './decide.ts'
import { isEntityKind } from './entity.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const HASH = /^[0-9a-f]{64}$/

/** What a command asks for, or why it is none that a reader could have written. */
export function readCommand(command: InventoryCommand): Request | { readonly fault: string } {
  const { action, entity, entity_id, expected, valid_from, valid_to, restate, body } = command
  if (!UUID.test(command.command_id)) return { fault: 'command_id is no UUID' }
  if (!isId(command.provider_id) || !isId(entity_id)) return { fault: 'provider_id or entity_id is no name' }
  if (!isFreeText(command.caller)) return { fault: 'caller is no text' }
  if (!isAction(action)) return { fault: 'action is none' }
  if (!isEntityKind(entity) || entity === 'conflict' || (action === 'enrol' && entity !== 'node'))
    return { fault: 'entity is none' }
  if (entity === 'provider' && entity_id !== command.provider_id)
    return { fault: 'entity_id is not that of the provider' }
  if (expected !== null && (expected.length > VERSIONS_MAX || !expected.every(isCount)))
    return { fault: 'expected is out of its range' }
  if (![valid_from, valid_to].every((atMs) => atMs === null || isCount(atMs)))
    return { fault: 'valid_from or valid_to is no time' }
  const read = givenOf(action, entity, body)
  if ('fault' in read) return { fault: `body: ${read.fault}` }
  return {
    action,
    kind: entity,
    id: entity_id,
    expected,
    validFrom: valid_from,
    validTo: valid_to,
    isRestated: restate,
    given: read.given,
  }
}

function givenOf(
  action: Action,
  kind: EntityKind,
  body: string,
): { readonly given: Given } | { readonly fault: string } {
  if (Buffer.byteLength(body) > BODY_BYTES_MAX) return { fault: 'it is too large' }
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return { fault: 'it is no JSON' }
  }
  if (action !== 'enrol') return readGiven(kind, json)
  if (!isJsonObject(json)) return { fault: '/' }
  const { token_hash, ...rest } = json
  if (typeof token_hash !== 'string' || !HASH.test(token_hash)) return { fault: '/token_hash' }
  const read = readGiven(kind, rest)
  return 'fault' in read ? read : { given: { ...read.given, token_hash } }
}

function isAction(word: string): word is Action {
  return (ACTIONS as readonly string[]).includes(word)
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= SEQ_MAX
}

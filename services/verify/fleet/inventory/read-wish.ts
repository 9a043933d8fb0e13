import { inventoryCommandCodec } from '../../../../schemas/fleet/inventory/codecs.ts'
import { ENTITIES } from '../../../../schemas/fleet/inventory/entities.ts'
import type { EntityFields, EntityKind } from '../../../../schemas/fleet/inventory/fields.ts'
import type { InventoryCommand } from '../../../../schemas/fleet/inventory/records.ts'
import { isFreeText } from '../../../../schemas/ids.ts'
import type { Wish } from './decide.ts'
import { isName, mayBe } from './values.ts'
import type { Said } from './shelf.ts'

const BODY_BYTES = 32_768
const NUMBERS_MOST = 4_503_599_627_370_495
const EXPECTED = 64

/** A command of fleet.inbox; null where it is out of its bounds. Throws where the bytes are not those of the schema. */
export function readWish(value: Buffer): { readonly providerId: string; readonly wish: Wish | null } {
  const command = inventoryCommandCodec.decode(value)
  const { provider_id: providerId, entity, action, entity_id } = command
  const isKind = Object.hasOwn(ENTITIES, entity) && entity !== 'conflict'
  const isFit =
    isKind &&
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(command.command_id) &&
    isName(providerId) &&
    isName(entity_id) &&
    isFreeText(command.caller) &&
    ['create', 'change', 'end', 'enrol'].includes(action) &&
    (action !== 'enrol' || entity === 'node') &&
    (entity !== 'provider' || entity_id === providerId) &&
    areNumbers(command)
  const given = isFit ? givenOf(entity as EntityKind, action, command.body) : null
  const wish = given === null ? null : { command, kind: entity as EntityKind, given }
  return { providerId, wish }
}

function areNumbers({ expected, valid_from, valid_to }: InventoryCommand): boolean {
  const numbers = [...(expected ?? []), valid_from ?? 0, valid_to ?? 0]
  const areWhole = numbers.every((one) => Number.isInteger(one) && one >= 0 && one <= NUMBERS_MOST)
  return areWhole && (expected ?? []).length <= EXPECTED
}

function givenOf(kind: EntityKind, action: string, body: string): Said | null {
  if (Buffer.byteLength(body) > BODY_BYTES) return null
  const said = parsed(body)
  if (said === null) return null
  const fields: EntityFields = ENTITIES[kind].fields
  const isToken = action === 'enrol'
  if (isToken && !/^[0-9a-f]{64}$/.test(String(said['token_hash']))) return null
  const isFit = ([name, value]: readonly [string, unknown]): boolean => {
    if (isToken && name === 'token_hash') return typeof value === 'string'
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    return field !== undefined && (value === null || mayBe(field, value))
  }
  return Object.entries(said).every(isFit) ? said : null
}

function parsed(text: string): Said | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Said) : null
  } catch {
    return null
  }
}

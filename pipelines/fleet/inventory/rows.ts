import type { InventoryCommand, InventoryOutcome } from '../../../schemas/fleet/inventory/records.ts'
import { TABLES } from '../../../schemas/tables.ts'
import { monthOf } from '../../blocks/block-log.ts'
import type { BlockLog } from '../../blocks/block-log.ts'
import type { Made } from './decide.ts'

/** Writes the row of a version that a command has made. */
export function writeVersion(blocks: BlockLog, providerId: string, { kind, id, version }: Made): void {
  const { rows, prefix } = blocks.rowsFor(TABLES.fleetVersions, monthOf(version.known_at))
  rows.raw(prefix)
  rows.string(providerId)
  rows.string(kind)
  rows.string(id)
  rows.u32(version.version)
  rows.u64(version.valid_from)
  rows.nullableU64(version.valid_to)
  rows.u64(version.known_at)
  rows.u64(version.known_offset)
  rows.string(version.by)
  rows.u8(version.body === null ? 1 : 0)
  if (version.body !== null) rows.string(JSON.stringify(version.body))
}

/** Writes the row of a command that was decided for the first time. */
export function writeCommand(
  blocks: BlockLog,
  command: InventoryCommand,
  { code, result }: InventoryOutcome,
  { nowMs, offset }: { readonly nowMs: number; readonly offset: number },
): void {
  const { rows, prefix } = blocks.rowsFor(TABLES.fleetCommands, monthOf(nowMs))
  rows.raw(prefix)
  rows.string(command.provider_id)
  rows.uuid(Buffer.from(command.command_id.replaceAll('-', ''), 'hex'))
  rows.string(command.caller)
  rows.string(command.action)
  rows.string(command.entity)
  rows.string(command.entity_id)
  rows.string(code ?? '')
  rows.string(withoutTokens(command.body))
  rows.string(result)
  rows.u64(nowMs)
  rows.u64(offset)
}

/** A token's hash opens nothing, and is nobody's business all the same. */
function withoutTokens(body: string): string {
  const { token_hash: _, ...asked } = JSON.parse(body) as Readonly<Record<string, unknown>>
  return JSON.stringify(asked)
}

import type { EntityKind } from '../../../../schemas/fleet/inventory/fields.ts'
import type { EntityRecord, InventoryOutcome } from '../../../../schemas/fleet/inventory/records.ts'
import type { VerifyRun } from '../../check.ts'
import type { Row } from '../../differences.ts'
import { BELOW, ms, uuid } from '../../tables.ts'
import type { BlocksBelow, TextRow } from '../../tables.ts'
import type { FleetModel } from '../model.ts'
import type { Put } from './decide.ts'
import { shownNewest } from './inventory-model.ts'
import type { InventoryModel, NamedRow } from './inventory-model.ts'
import type { Said } from './shelf.ts'

const VERSION_COLUMNS = `t.provider_id, t.entity, t.entity_id, t.version, ${ms('valid_from')}, ${ms('valid_to')},
  ${ms('known_at')}, t.known_offset, t.changed_by, t.body`
const COMMAND_COLUMNS = `t.provider_id, ${uuid('command_id')}, t.caller, t.action, t.entity, t.entity_id, t.code, t.asked, t.result,
  ${ms('decided_at')}, t.record_offset`

/** Versions that follow from items and not from commands: a conflict, a new identity. They are taken as they are. */
const OF_ITEMS = `(t.changed_by = 'fleet')`
/** No record speaks of a time so long before its own. */
const SPOKEN_OF = 81 * 3_600_000

/** The rows that commands must have given: as many as a provider's inventory changes in a week. */
export class ChangedRows {
  readonly versions = new Map<string, Row>()
  readonly commands = new Map<string, Row>()

  add({ versions, commands }: { versions: readonly NamedRow[]; commands: readonly NamedRow[] }): void {
    for (const { place, row } of versions) this.versions.set(place, row)
    for (const { place, row } of commands) this.commands.set(place, row)
  }
}

/** Compares the rows of versions and of commands with what the log gives. */
export async function compareChanges(
  { tables, differences }: Pick<VerifyRun, 'tables' | 'differences'>,
  blocks: BlocksBelow,
  changes: ChangedRows,
): Promise<void> {
  const versions = await tables.rows<TextRow>(
    `SELECT ${VERSION_COLUMNS} FROM fleet_versions AS t WHERE ${BELOW} AND NOT ${OF_ITEMS}`,
    { ...blocks },
  )
  await differences.compareRows(
    'fleet_versions',
    changes.versions,
    versions.map((row) => [nameOf(row, ['provider_id', 'entity', 'entity_id', 'version']), row] as const),
  )
  const commands = await tables.rows<TextRow>(
    `SELECT ${COMMAND_COLUMNS} FROM fleet_commands AS t WHERE ${BELOW}`,
    { ...blocks },
  )
  await differences.compareRows(
    'fleet_commands',
    changes.commands,
    commands.map((row) => [nameOf(row, ['provider_id', 'command_id', 'record_offset']), row] as const),
  )
}

/** Compares entities and outcomes in fleet.state; what is over and not deleted yet is passed over. */
export async function compareInventory(
  { differences }: Pick<VerifyRun, 'differences'>,
  { inventory, now }: FleetModel,
  found: {
    readonly entities: ReadonlyMap<string, EntityRecord>
    readonly outcomes: ReadonlyMap<string, InventoryOutcome>
  },
): Promise<void> {
  const newest = inventory.newest()
  await differences.compareRows(
    'fleet.state',
    new Map([...newest].map(([key, text]) => [key, { newest: text }])),
    [...found.entities]
      .filter(([key, record]) => newest.has(key) || !isOver(record, now))
      .map(([key, record]) => [key, { newest: shownNewest(record) }] as const),
  )
  const shown = ({
    code,
    until,
    is_counted,
  }: Pick<InventoryOutcome, 'code' | 'until' | 'is_counted'>): Row => ({
    code: code ?? '',
    until,
    is_counted,
  })
  await differences.compareRows(
    'fleet.state',
    new Map([...inventory.outcomes()].map(([key, outcome]) => [key, shown(outcome)])),
    [...found.outcomes]
      .filter(([key, { until }]) => inventory.outcomes().has(key) || until >= now)
      .map(([key, outcome]) => [key, shown(outcome)] as const),
  )
}

/** Nothing of it can hold at any time from 80 hours ago on. */
function isOver({ versions }: EntityRecord, now: number): boolean {
  const last = versions.at(-1)
  const end = last?.body === null ? last.valid_from : (last?.valid_to ?? now)
  return end <= now - 80 * 3_600_000
}

/** What commands made, in the order of their offsets. */
export class Facts {
  readonly #puts: { readonly providerId: string; readonly put: Put }[]
  #next = 0

  constructor(puts: { readonly providerId: string; readonly put: Put }[]) {
    this.#puts = puts.toSorted((left, right) => left.put.edition.knownOffset - right.put.edition.knownOffset)
  }

  /** Tells the inventory what came with records up to this one. */
  upTo(offset: bigint, inventory: InventoryModel): void {
    for (let one = this.#puts[this.#next]; one !== undefined; one = this.#puts[++this.#next]) {
      if (one.put.edition.knownOffset > Number(offset)) return
      inventory.fact(one.providerId, one.put)
    }
  }
}

/**
 * The versions of a partition, all of them for a log that no longer has all commands, else those that follow from items: such
 * that may hold at a time of which its
 * records speak. The table has all that there ever were; most of them were over long before `firstAt`, the time of its first
 * record.
 */
export async function readFacts(
  tables: VerifyRun['tables'],
  blocks: BlocksBelow,
  firstAt: number,
  which: 'all' | 'of_items',
): Promise<Facts> {
  const rows = await tables.rows<TextRow>(
    `SELECT ${VERSION_COLUMNS}
     FROM (
       SELECT t.*, min(if(t.valid_to IS NULL, t.valid_from, NULL)) OVER (
         PARTITION BY t.provider_id, t.entity, t.entity_id ORDER BY t.known_offset
         ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
       ) AS taken_over
       FROM fleet_versions AS t WHERE ${BELOW} ${which === 'all' ? '' : `AND ${OF_ITEMS}`}
     ) AS t
     WHERE ifNull(t.valid_to > fromUnixTimestamp64Milli({since:Int64}), true)
       AND ifNull(t.taken_over > fromUnixTimestamp64Milli({since:Int64}), true)
       AND NOT (t.body IS NULL AND t.valid_from <= fromUnixTimestamp64Milli({since:Int64}))`,
    { ...blocks, since: firstAt - SPOKEN_OF },
  )
  return factsOf(rows)
}

/** What rows of `fleet_versions` say. */
export function factsOf(rows: readonly Readonly<Record<string, unknown>>[]): Facts {
  return new Facts(rows.map((row) => ({ providerId: String(row['provider_id']), put: putOf(row) })))
}

function putOf(row: Readonly<Record<string, unknown>>): Put {
  const [to, body] = [row['valid_to'] ?? null, row['body'] ?? null]
  return {
    kind: String(row['entity']) as EntityKind,
    id: String(row['entity_id']),
    edition: {
      version: Number(row['version']),
      from: Number(row['valid_from']),
      to: to === null ? Number.POSITIVE_INFINITY : Number(to),
      knownAt: Number(row['known_at']),
      knownOffset: Number(row['known_offset']),
      by: String(row['changed_by']),
      said: typeof body === 'string' ? (JSON.parse(body) as Said) : null,
    },
  }
}

function nameOf(row: TextRow, names: readonly string[]): string {
  return names.map((name) => String(row[name])).join('/')
}

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as avro from '../schemas/avro.ts'
import type { Codec } from '../schemas/avro.ts'
import * as fleet from '../schemas/fleet/codecs.ts'
import * as inventory from '../schemas/fleet/inventory/codecs.ts'
import { sumColumn, WIDENED_SUMS } from '../schemas/tables.ts'
import { columnOfSum, SUM_COLUMNS } from '../services/verify/usage/sums.ts'
import { storedSum, WINDOW_COLUMNS } from './faults/checker/tables/windows.ts'
import { migrationColumns } from './support/oracles/migration-columns.ts'
import { RECORD_SUMS, TABLE_SUMS } from './support/oracles/sum-bounds.ts'

// Every number of every schema and table is either a sum that holds its bound, or no sum; a number in neither list fails
// here.

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Records of one event, request or configuration: their numbers are never added up. */
const OF_ONE_THING = words(
  'UsageEvent UsageEvents InboxCommand InboxConfigure InboxHeartbeat Models ModelsTable Layout AccessKey Installation WorkerTelemetry NodeHeartbeat InventoryCommand FleetEntity FleetPageRecord FleetFace FleetHearing',
)

/**
 * Numbers of the other records that are never added up: times, versions, places in a log, those of one cost or
 * reservation.
 */
const NO_SUMS = words(`
  first_seen_at changed_at watermark rules_version operators[].since operators[].last_entry_at operators[].remainder
  pending_since unclaimed_remainder settings_version settings[].value spend_days[].day reservations[].nano_usd
  reservations[].day reservations[].expires_at last_contact_at uptime_hour agent_count post_count ad_days[].day
  ad_remainder_micro_spark bonus_day milestone last_reward_at received_day back_dated_day
  position next_seq low evicted_seq models_version models[].tdp_watts loaded_seq oldest_unloaded_at since[].rules
  since[].offset now handed_offset handed_index newest_occurred_at last_seq status until
  from_offset from_index to_offset to_index entries[].cost.occurred_at entries[].cost.cost_nano_usd entries[].cost.received_at
  texts_until count last_heartbeat_at last_data_at interval_s epoch low.epoch low.seq epochs[].epoch epochs[].ranges[].from
  epochs[].ranges[].to quarantined[].hour contacts[].epoch contacts[].at
`)

/** Numbers of tables that are never added up; those of OF_ONE_ROW belong to one event, sample or worker. */
const NO_SUM_COLUMNS = words(`
  src_partition src_seq position blocks_end reload_through missing_through partition record_offset record_index indexes status
  from_seq to_seq cost_seq spark_per_usd rules_version day_limit_nano_usd
  cost_decisions.cost_nano_usd cost_decisions.spark cost_decisions.micro_spark audit.times
  chip_min_dc chip_max_dc board_min_dc board_max_dc inlet_min_dc inlet_max_dc
`)

const OF_ONE_ROW: ReadonlySet<string> = new Set([
  'usage_events',
  'fleet_samples',
  'fleet_versions',
  'fleet_commands',
  'fleet_5m',
  'fleet_status',
])

type Schema =
  | string
  | readonly Schema[]
  | {
      readonly type: Schema
      readonly name?: string
      readonly logicalType?: string
      readonly fields?: readonly { readonly name: string; readonly type: Schema }[]
      readonly items?: Schema
      readonly symbols?: readonly string[]
      readonly size?: number
    }
type Leaf = { readonly path: string; readonly kind: string }

const FOLDER = new URL('../schemas/avro/', import.meta.url)

/** A record with one item in every array and every optional field set; `leaf` gives its numbers. */
function valueOf(
  schema: Schema,
  path: string,
  leaf: (found: Leaf) => unknown,
  named = new Map<string, Schema>(),
): unknown {
  if (Array.isArray(schema))
    return valueOf(
      schema.find((one) => one !== 'null'),
      path,
      leaf,
      named,
    )
  if (typeof schema === 'string') {
    const known = named.get(schema)
    if (known !== undefined) return valueOf(known, path, leaf, named)
    const plain: Record<string, unknown> = { string: 'x', boolean: true, bytes: Buffer.alloc(0) }
    return schema in plain ? plain[schema] : leaf({ path, kind: schema })
  }
  const {
    type,
    name,
    logicalType,
    fields = [],
    items,
    symbols,
    size,
  } = schema as Exclude<Schema, string | readonly Schema[]>
  if (logicalType !== undefined) return leaf({ path, kind: logicalType })
  if (name !== undefined) named.set(name, schema)
  const below = (part: string): string => (path === '' ? part : `${path}.${part}`)
  switch (type) {
    case 'record':
      return Object.fromEntries(
        fields.map((field) => [field.name, valueOf(field.type, below(field.name), leaf, named)]),
      )
    case 'array':
      return [valueOf(items ?? 'null', `${path}[]`, leaf, named)]
    case 'enum':
      return symbols?.[0]
    case 'fixed':
      return Buffer.alloc(size ?? 0)
    default:
      return valueOf(type, path, leaf, named)
  }
}

/** The schemas that are written, with their codecs. */
const written = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.avsc'))
  .map(
    (file) =>
      JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as { name: string; doc: string } & Schema,
  )
  .flatMap((schema) => {
    const id = Number(/Schema id (\d+)\./.exec(schema.doc)?.[1])
    const members: readonly unknown[] = [avro, fleet, inventory].flatMap((codecs) => Object.values(codecs))
    const codec = members.find(
      (member): member is Codec<unknown> =>
        typeof member === 'object' && member !== null && 'schemaId' in member && member.schemaId === id,
    )
    return codec === undefined ? [] : [{ schema, codec }]
  })

for (const { schema, codec } of written) {
  const sums = RECORD_SUMS[schema.name] ?? {}
  test(`${schema.name}: every sum is written and read back at its bound`, () => {
    const met = new Set<string>()
    const value = valueOf(schema, '', ({ path, kind }) => {
      const most = sums[path]
      if (most === undefined) {
        const isNone = OF_ONE_THING.has(schema.name) || NO_SUMS.has(path)
        assert.ok(isNone && kind !== 'decimal', `${schema.name}.${path}: a sum without a bound, or none?`)
        return 0
      }
      met.add(path)
      if (kind === 'decimal') return most
      assert.ok(most <= 2n ** 53n - 2n, `${path} passes what a long reads back: ${most}`)
      return Number(most)
    })
    assert.deepEqual([...met].toSorted(), Object.keys(sums).toSorted())
    const read = codec.decode(codec.encode(value))
    assert.deepEqual(JSON.parse(textOf(read)), JSON.parse(textOf(value)))
  })
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? `${member}` : member))
}

/** The most that an integer column holds; null for a column of another type. */
function mostOf(type: string): bigint | null {
  const [, unsigned, bits] = /\b(U?)Int(\d+)\b/.exec(type) ?? []
  return bits === undefined ? null : 2n ** BigInt(Number(bits) - (unsigned === '' ? 1 : 0)) - 1n
}

const tables = migrationColumns()
const sql = readdirSync(new URL('../schemas/clickhouse/', import.meta.url))
  .filter((file) => file.endsWith('.sql'))
  .map((file) => readFileSync(new URL(`../schemas/clickhouse/${file}`, import.meta.url), 'utf8'))
  .join('\n')

/** The column beside a sum that has it in full width: its default is the sum. */
function wideOf(table: string, column: string): string | undefined {
  const added = new RegExp(
    `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS (\\w+) \\S.*? DEFAULT toInt128\\(${column}\\)`,
  )
  return added.exec(sql)?.[1]
}

for (const [table, columns] of tables) {
  const sums = TABLE_SUMS[table] ?? {}
  test(`${table}: every sum holds its bound, or a column of 128 bits beside it does`, () => {
    const types = new Map(columns.map(({ name, type }) => [name, type]))
    const wide = new Set(Object.keys(sums).flatMap((column) => wideOf(table, column) ?? []))
    for (const { name, type } of columns) {
      const holds = mostOf(type)
      if (holds === null || type.startsWith('Enum') || wide.has(name)) continue
      const most = sums[name]
      if (most === undefined) {
        const isNone =
          OF_ONE_ROW.has(table) || NO_SUM_COLUMNS.has(name) || NO_SUM_COLUMNS.has(`${table}.${name}`)
        assert.ok(isNone, `${table}.${name}: a sum without a bound, or none?`)
        continue
      }
      // Spark are micro-Spark without the last six digits: one column has both.
      const whole = most <= holds ? name : wideOf(table, name === 'spark' ? 'micro_spark' : name)
      assert.ok(
        most <= (mostOf(types.get(whole ?? '') ?? '') ?? 0n),
        `${table}.${name} does not hold ${most}`,
      )
      if (type.startsWith('SimpleAggregateFunction')) {
        assert.match(types.get(whole ?? '') ?? '', /^SimpleAggregateFunction\(sum, /)
        assert.equal(sumColumn(name), whole, 'what the reader adds up')
      }
    }
    for (const name of Object.keys(sums)) assert.ok(types.has(name), `${table} has no ${name}`)
  })
}

test('reader, verify and the checker of faults read a window’s sums from the same columns', () => {
  assert.deepEqual(SUM_COLUMNS.map(columnOfSum), SUM_COLUMNS.map(sumColumn))
  assert.deepEqual(WINDOW_COLUMNS.map(storedSum), SUM_COLUMNS.map(sumColumn))
  assert.equal(new Set(WIDENED_SUMS.map(sumColumn)).size, 8)
})

test('every SUM in SQL runs over Int128', () => {
  const root = new URL('../', import.meta.url)
  const sources = ['services', 'pipelines', 'schemas', 'infra', 'test/faults', 'test/support'].flatMap(
    (folder) =>
      readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(ts|sql|json)$/.test(file) && !file.endsWith('.test.ts'))
        .map((file) => `${folder}/${file}`),
  )
  let found = 0
  for (const path of sources) {
    const text = readFileSync(new URL(path, root), 'utf8')
    // A function of that name in TypeScript is no SQL function.
    if (/^function sum\(/m.test(text)) continue
    for (const [call] of text.matchAll(/\bsum(If)?\([^(]{0,12}\(?/g)) {
      // Nor is a call that takes a function.
      if (call.startsWith('sum((')) continue
      assert.equal(call, 'sum(toInt128(', path)
      found += 1
    }
  }
  assert.ok(found >= 4)
})

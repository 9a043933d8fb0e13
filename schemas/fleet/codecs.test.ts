import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { batch, item, nodeHeartbeat, poll, report, sample } from '../../test/support/records/fleet-items.ts'
import { accessKeyCodec } from '../avro.ts'
import { migrationColumns } from '../../test/support/oracles/migration-columns.ts'
import {
  fleetFaceCodec,
  fleetHearingCodec,
  fleetNodeCodec,
  fleetPageCodec,
  fleetTaskCodec,
  nodeHeartbeatCodec,
  workerTelemetryCodec,
} from './codecs.ts'
import { fleetEntityCodec, inventoryCommandCodec, inventoryOutcomeCodec } from './inventory/codecs.ts'
import { MACHINE_FIELDS, POLL_RESULTS, REPORT_FIELDS, SAMPLE_FIELDS } from './fields.ts'
import type { Field, Fields } from './fields.ts'
import { OUTCOMES } from './outcomes.ts'
import { LANES } from './records.ts'

type Schema = string | readonly Schema[] | SchemaObject
interface SchemaObject {
  readonly type: Schema
  readonly name?: string
  readonly items?: Schema
  readonly symbols?: readonly string[]
  readonly fields?: readonly { readonly name: string; readonly type: Schema }[]
}

const schema = JSON.parse(
  readFileSync(new URL('../avro/worker-telemetry.v1.avsc', import.meta.url), 'utf8'),
) as SchemaObject

/** Every named type of the schema, wherever it is defined. */
function namedTypes(found: Schema, named = new Map<string, SchemaObject>()): Map<string, SchemaObject> {
  if (typeof found === 'string') return named
  if (Array.isArray(found)) for (const one of found as readonly Schema[]) namedTypes(one, named)
  else {
    const object = found as SchemaObject
    if (object.name !== undefined) named.set(object.name, object)
    namedTypes(object.type, named)
    if (object.items !== undefined) namedTypes(object.items, named)
    for (const { type } of object.fields ?? []) namedTypes(type, named)
  }
  return named
}

const NAMED = namedTypes(schema)

const TYPES = {
  number: 'double',
  rate: 'double',
  count: 'long',
  time: 'long',
  flag: 'boolean',
  text: 'string',
  mac: 'string',
} as const

/** The type of a field as the table says it, with names in the place of records and enums. */
function typeOf(field: Field): unknown {
  switch (field.kind) {
    case 'place':
      return 'int'
    case 'code':
      return 'string'
    case 'group':
      return field.type
    case 'list':
      return ['null', { array: field.type }]
    case 'word':
      return ['null', field.type]
    default:
      return ['null', TYPES[field.kind]]
  }
}

/** The same of a field of the schema. */
function plain(type: Schema): unknown {
  if (typeof type === 'string') return type
  if (Array.isArray(type)) return (type as readonly Schema[]).map(plain)
  const { name, items, type: kind } = type as SchemaObject
  if (name !== undefined) return name
  return kind === 'array' ? { array: plain(items ?? 'null') } : plain(kind)
}

function assertFields(
  name: string,
  fields: Fields,
  before: readonly string[],
  after: readonly string[] = [],
): void {
  const found = NAMED.get(name)?.fields ?? []
  const expected = Object.entries(fields)
  assert.deepEqual(
    found.map((field) => field.name),
    [...before, ...expected.map(([field]) => field), ...after],
    name,
  )
  for (const [field, form] of expected) {
    const type = found.find((one) => one.name === field)?.type ?? 'null'
    assert.deepEqual(plain(type), typeOf(form), `${name}.${field}`)
    if (form.kind === 'word') assert.deepEqual(NAMED.get(form.type)?.symbols, form.words)
    if (form.kind === 'group' || form.kind === 'list') assertFields(form.type, form.fields, [])
  }
}

test('the schema of telemetry has the fields of the table, and no others', () => {
  assertFields('Sample', { ...MACHINE_FIELDS, ...SAMPLE_FIELDS }, ['observed_at'], ['warnings'])
  assertFields('DeviceReport', { ...MACHINE_FIELDS, ...REPORT_FIELDS }, ['observed_at'])
  assertFields('PollResult', MACHINE_FIELDS, ['observed_at'], ['result'])
  assert.deepEqual(NAMED.get('PollEnd')?.symbols, POLL_RESULTS)
  assert.deepEqual(NAMED.get('Lane')?.symbols, LANES)
})

test('the column of outcomes has the numbers of the words', () => {
  const columns = migrationColumns().get('fleet_samples')
  const type = columns?.find(({ name }) => name === 'outcome')?.type
  const words = Object.entries(OUTCOMES).map(([word, number]) => `'${word}' = ${number}`)
  assert.equal(type, `Enum8(${words.join(', ')})`)
})

const BATCH = batch(
  [
    item({
      sample: sample(1_764_500_000_000, {
        hashrate_hs: { ...sample(0).hashrate_hs, now: 121_500_000_000_000, _5m: 0 },
        power_w: 3_310.5,
        power_source: 'miner',
        fans: [{ index: 1, rpm: 5_400, pct: null }],
        is_mining: true,
        warnings: ['gap: 3'],
      }),
    }),
    item({ poll: poll(1_764_500_000_001) }),
    item({
      report: report(1_764_500_000_002, {
        model: 'X1',
        pools: [{ index: 0, url: 'stratum+tcp://pool.example:3333', user: null }],
      }),
    }),
    item({ refused: 'missing' }),
  ],
  { epoch: 3, first_seq: 1_201, lane: 'replay', complete: [{ from: 1, to: 2 }] },
)

const NODE = {
  provider_id: 'p',
  location_id: 'l',
  node_id: 'n',
  first_seen_at: 1,
  last_heartbeat_at: null,
  last_data_at: 2,
  software_version: '1.0.0',
  interval_s: 30,
  epoch: 3,
  low: { epoch: 3, seq: 1 },
  epochs: [{ epoch: 3, ranges: [{ from: 1, to: 5 }] }],
  lost: 4,
  outcomes: [{ outcome: 'discovered', items: 4 }],
  quarantined: [{ hour: 3_600_000, reason: 'too_old', items: 1 }],
}

/** Records as this version writes them, by their codec: a later version decodes them too. */
const WRITTEN: readonly (readonly [
  codec: { decode(value: Buffer): unknown },
  value: unknown,
  hex: string,
])[] = [
  [
    workerTelemetryCodec,
    BATCH,
    '00000000460270026c026e06e212020202020204003c080280b4aac6da66020e484d2d303030310000000000020000c6153b' +
      'a0db42000200000000000000000000000000000000000000020000000000dda9400000020600000000000000000000000000' +
      '02020202000000000018b54000000000000000000000000000000000000000000000020100020c6761703a20330000000000' +
      '0282b4aac6da66020e484d2d3030303100000004000000000284b4aac6da66020e484d2d3030303100000000000204583100' +
      '00000000000000020200023e7374726174756d2b7463703a2f2f706f6f6c2e6578616d706c653a3333333300000000000002' +
      '0e6d697373696e6700',
  ],
  [nodeHeartbeatCodec, nodeHeartbeat(), '00000000470270026c026e02020a312e302e303c'],
  [
    fleetTaskCodec,
    {
      position: 5,
      next_seq: 3,
      now: 1_764_500_000_000,
      loaded_seq: 2,
      oldest_unloaded_at: null,
      ended: false,
      since: [{ rules: 3, offset: 0 }],
    },
    '00000000480a0680b4aac6da6604000002060000',
  ],
  [
    fleetNodeCodec,
    { ...NODE, contacts: [], clone_contacts: 0 },
    '00000000490270026c026e02000204020a312e302e303c060602020602020a0000080214646973636f766572656408000280' +
      'bab7030e746f6f5f6f6c640200',
  ],
  [
    inventoryCommandCodec,
    {
      command_id: '00000000-0000-8000-8000-000000000001',
      provider_id: 'p',
      caller: 'key:1',
      body_hash: Buffer.alloc(16, 7),
      action: 'change',
      entity: 'location',
      entity_id: 'l',
      expected: [1, 2],
      valid_from: 1_764_500_100_000,
      valid_to: null,
      restate: false,
      body: '{"name":"B"}',
    },
    '00000000504830303030303030302d303030302d383030302d383030302d30303030303030303030303102700a6b65793a31' +
      '070707070707070707070707070707070c6368616e6765106c6f636174696f6e026c020402040002c0ceb6c6da660000187b' +
      '226e616d65223a2242227d',
  ],
  [
    fleetEntityCodec,
    {
      provider_id: 'p',
      entity: 'worker',
      entity_id: 'w',
      place: 3,
      born_offset: 9,
      versions: [
        {
          version: 1,
          valid_from: 1_764_500_100_000,
          valid_to: null,
          known_at: 1_764_500_000_000,
          known_offset: 9,
          by: 'key:1',
          body: '{"asset_code":"A"}',
        },
        {
          version: 2,
          valid_from: 1_764_500_400_000,
          valid_to: 1_764_500_700_000,
          known_at: 1_764_500_000_001,
          known_offset: 10,
          by: 'key:1',
          body: null,
        },
      ],
    },
    '000000005102700c776f726b6572027706120402c0ceb6c6da660080b4aac6da66120a6b65793a3102247b2261737365745f' +
      '636f6465223a2241227d04809edbc6da6602c0edffc6da6682b4aac6da66140a6b65793a310000',
  ],
  [
    inventoryOutcomeCodec,
    {
      body_hash: Buffer.alloc(16, 7),
      code: 'past',
      detail: 'Too early.',
      result: '{}',
      until: 1_764_586_400_000,
      is_counted: true,
    },
    '00000000520707070707070707070707070707070702087061737414546f6f206561726c792e047b7d80a4dd98db6601',
  ],
  [
    fleetPageCodec,
    { provider_id: 'p', page: 1, through: 5, now: 1_764_500_000_000, size: 3, packed: Buffer.from([1, 2]) },
    '000000004a0270020a80b4aac6da6606040102',
  ],
  [
    fleetFaceCodec,
    {
      worker_id: 'w',
      status: 'working',
      reason: 'hashing',
      unknown: false,
      status_since: 1,
      reason_since: 2,
      version: 3,
    },
    '000000004b02770e776f726b696e670e68617368696e6700020406',
  ],
  [
    fleetHearingCodec,
    {
      spans: [
        { kind: 'silent', from: 1, from_offset: 2, to: 3, to_offset: 4 },
        { kind: 'deaf', from: 5, from_offset: 6, to: null, to_offset: null },
      ],
      complete: [{ from: 1, to: 2, at: 3, offset: 4 }],
      heard_at: 7,
      set_aside: [8],
    },
    '000000004c0402020402060208000a0c000000020204060800020e021000',
  ],
  [
    fleetNodeCodec,
    { ...NODE, contacts: [{ epoch: 3, at: 2 }], clone_contacts: 1 },
    '000000004d0270026c026e02000204020a312e302e303c060602020602020a0000080214646973636f766572656408000280' +
      'bab7030e746f6f5f6f6c6402000206040002',
  ],
  [
    accessKeyCodec,
    {
      key_id: '0123456789abcdef',
      client: 'barn',
      secret_hash: Buffer.alloc(32, 7),
      scopes: ['fleet:telemetry'],
      nodes: [],
      created_at: 1,
      expires_at: null,
      revoked_at: null,
      operators: [],
      parent: null,
      fleet_node: { provider_id: 'p', location_id: 'l', node_id: 'n' },
      grants: [],
    },
    '000000002a2030313233343536373839616263646566086261726e0707070707070707070707070707070707070707070707' +
      '070707070707070707021e666c6565743a74656c656d6574727900000200000000020270026c026e',
  ],
]

test('a record of every schema, written once, stays readable', () => {
  for (const [codec, value, hex] of WRITTEN) {
    const read = codec.decode(Buffer.from(hex, 'hex'))
    assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(value)))
  }
})

import { RATE_HS_MAX } from '../bounds.ts'
import { ALGORITHMS } from './algorithms.ts'
import {
  ALIASES_MAX,
  CAPACITY_W_MAX,
  GRID_MAX,
  NAME_CHARACTERS_MAX,
  NOTE_CHARACTERS_MAX,
  POWER_W_MAX,
  VALUE_CHARACTERS_MAX,
  WINDOW_WORKERS_MAX,
} from './bounds.ts'
import type { EntityFields, EntityKind } from './fields.ts'

/** One kind of entity. */
export interface EntitySpec {
  /** The last part of its address: `/api/fleet/` and this. */
  readonly path: string
  /** How many a provider may have at once. */
  readonly most: number
  /** Its versions may have an end from the beginning. */
  readonly isDated: boolean
  readonly fields: EntityFields
}

const entity = <const Fields extends EntityFields>(
  path: string,
  most: number,
  fields: Fields,
  isDated = false,
) => ({ path, most, isDated, fields })

const name = { kind: 'text', max: NAME_CHARACTERS_MAX } as const
const note = { kind: 'text', max: NOTE_CHARACTERS_MAX } as const
const flag = { kind: 'flag' } as const
const zone = { kind: 'zone' } as const
const edge = { kind: 'edge' } as const
const thresholds = { kind: 'thresholds' } as const
const rate = { kind: 'whole', min: 1, max: RATE_HS_MAX } as const
const watts = { kind: 'number', min: 0, max: POWER_W_MAX } as const
const siteWatts = { kind: 'number', min: 0, max: CAPACITY_W_MAX } as const
const degrees = { kind: 'number', min: 0, max: 250 } as const
const grid = { kind: 'whole', min: 1, max: GRID_MAX } as const

const word = <const Words extends readonly string[]>(words: Words) => ({ kind: 'word', words }) as const
const whole = (min: number, max: number) => ({ kind: 'whole', min, max }) as const
const ref = <const To extends EntityKind>(to: To) => ({ kind: 'ref', to }) as const
const required = <const Field extends object>(field: Field) => ({ ...field, isRequired: true }) as const
const fixed = <const Field extends object>(field: Field) =>
  ({ ...field, isRequired: true, isFixed: true }) as const

const CONTAINER_KINDS = ['container', 'rack', 'building', 'tank'] as const
const COOLINGS = ['air', 'hydro', 'immersion'] as const
const IDENTITY_KINDS = ['serial', 'mac', 'board_serial', 'hostname', 'ip', 'pool_worker', 'pin'] as const
const CUSTOMER_STATES = ['active', 'suspended', 'closed'] as const
const WINDOW_KINDS = [
  'curtailment',
  'maintenance',
  'isp',
  'grid',
  'heat',
  'weather',
  'infrastructure',
  'regulation',
  'customer_pause',
] as const
const WINDOW_SCOPES = ['location', 'container', 'customer', 'workers'] as const
const WINDOW_TARGETS = ['off', 'watts', 'pct'] as const
const TICKET_STATES = ['open', 'diagnosing', 'waiting_parts', 'rma', 'done'] as const

/**
 * Every kind of entity with its fields. A `conflict` is made by the task and by nobody else. Of the others, `provider` has the id of its provider and is there from the beginning;
 * `enrolment` is a token with which one node of a location can enrol.
 */
export const ENTITIES = {
  provider: entity('providers', 1, { name, thresholds }),
  location: entity('locations', 1_000, {
    name: required(name),
    description: note,
    region: name,
    timezone: required(zone),
    capacity_w: siteWatts,
    service_available: flag,
    thresholds,
  }),
  container: entity('containers', 20_000, {
    location: fixed(ref('location')),
    name: required(name),
    kind: required(word(CONTAINER_KINDS)),
    parent: ref('container'),
    grid_rows: grid,
    grid_cols: grid,
    capacity_w: siteWatts,
    cooling: word(COOLINGS),
  }),
  /** A place in a container: row and column, or a text. */
  slot: entity('slots', 250_000, {
    container: fixed(ref('container')),
    row: grid,
    col: grid,
    label: name,
  }),
  node: entity('nodes', 2_000, { location: fixed(ref('location')), name: required(name), key_id: name }),
  enrolment: entity('enrolments', 2_000, { location: fixed(ref('location')), token_hash: fixed(name) }),
  model: entity('models', 2_000, {
    make: required(name),
    model: required(name),
    aliases: { kind: 'texts', max: NAME_CHARACTERS_MAX, most: ALIASES_MAX },
    /** Null: a host that works at whatever it is given. */
    algorithm: word(ALGORITHMS),
    nominal_hashrate_hs: rate,
    nominal_power_w: watts,
    sleep_w: watts,
    boards: whole(0, 16),
    chips_per_board: whole(0, 10_000),
    fans: whole(0, 16),
    label_unit: name,
    /** Whether the device's own mean over 5 minutes is believed. */
    device_5m_trusted: flag,
    ramp_min: whole(0, 240),
    chip_limit_c: degrees,
    share_multiplier: { kind: 'number', min: 0, max: 1e15 },
    thresholds,
  }),
  worker: entity('workers', 250_000, {
    asset_code: required(name),
    model: ref('model'),
    profile_hashrate_hs: rate,
    profile_power_w: watts,
    power_cap_w: watts,
    gpus_expected: whole(0, 32),
    interval_s: whole(10, 300),
    commissioned_at: edge,
    retired_at: edge,
  }),
  identity: entity(
    'identities',
    1_000_000,
    {
      worker: fixed(ref('worker')),
      kind: fixed(word(IDENTITY_KINDS)),
      value: fixed({ kind: 'text', max: VALUE_CHARACTERS_MAX }),
      /** Of a `pin`: the node that finds the machine at this address. */
      node: ref('node'),
    },
    true,
  ),
  assignment: entity(
    'assignments',
    500_000,
    {
      worker: fixed(ref('worker')),
      customer: ref('customer'),
      location: required(ref('location')),
      container: ref('container'),
      slot: ref('slot'),
      node: ref('node'),
    },
    true,
  ),
  customer: entity('customers', 10_000, {
    name: required(name),
    timezone: required(zone),
    state: required(word(CUSTOMER_STATES)),
  }),
  window: entity('windows', 5_000, {
    kind: required(word(WINDOW_KINDS)),
    scope: fixed(word(WINDOW_SCOPES)),
    location: ref('location'),
    container: ref('container'),
    customer: ref('customer'),
    workers: { kind: 'refs', to: 'worker', most: WINDOW_WORKERS_MAX },
    target: required(word(WINDOW_TARGETS)),
    /** Watts of each worker, or percent; of a window that is not `off`. */
    target_value: { kind: 'number', min: 0, max: POWER_W_MAX },
    starts_at: required(edge),
    ends_at: edge,
    excused: flag,
    evidence: note,
    source: name,
  }),
  ticket: entity('tickets', 50_000, {
    worker: fixed(ref('worker')),
    kind: required(name),
    state: required(word(TICKET_STATES)),
    parts: note,
    labour: note,
    planned: flag,
  }),
  /** Two machines claim to be this worker; its id is that of the worker. */
  conflict: entity('', 250_000, { worker: fixed(ref('worker')) }, true),
} as const satisfies Record<EntityKind, EntitySpec>

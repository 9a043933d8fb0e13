import { Type } from 'typebox'
import type { Static } from 'typebox'
import { ALGORITHMS } from '../fleet/inventory/algorithms.ts'
import { NAME_CHARACTERS_MAX } from '../fleet/inventory/bounds.ts'
import { NODE_ID_PATTERN } from '../ids.ts'
import {
  nullableIntegerField,
  nullableNumberField,
  nullableTextField,
  nullableTimeField,
  nullableWordField,
  page,
  pageParameters,
  parameters,
  rangeParameters,
  timeField,
  WIDE,
  wordField,
} from './fields.ts'

/** The documents of what is shown of a fleet. */

const idParameter = (description: string) => Type.String({ pattern: NODE_ID_PATTERN, description })

/** The provider, and which of its workers a view is about. */
const filterParameters = {
  provider: idParameter('The hosting provider.'),
  algorithm: Type.Optional(wordField(ALGORITHMS)),
  location: Type.Optional(idParameter('The id of a location.')),
  container: Type.Optional(idParameter('The id of a container: it and all that stands in it.')),
}

const customerParameter = { customer: Type.Optional(idParameter('The id of a customer.')) }

export const FLEET_STATUSES = [
  'working',
  'underperforming',
  'stopped',
  'needs_repair',
  'in_maintenance',
] as const
export type FleetStatus = (typeof FLEET_STATUSES)[number]

/** A sum of rates, hashes a second: as text, since it may exceed 2^53. */
const rateText = (description: string) =>
  Type.String({
    pattern: '^\\d+$',
    description: `${description} Hashes a second.`,
    examples: ['121500000000000'],
  })

const watts = (description: string) =>
  Type.Integer({ minimum: 0, ...WIDE, description: `${description} Watts.` })

const asOf = nullableTimeField('Log time of the oldest reading that counts. Null while there is none.')

const isStale = Type.Boolean({
  description: 'Nothing was heard for 90 seconds: nothing here may be called present.',
})

export const OverviewQuery = parameters({ ...filterParameters, ...customerParameter })

export const FleetOverview = Type.Object({
  as_of: asOf,
  stale: isStale,
  coverage: nullableNumberField('Part of the commissioned workers with a reading that is present, 0 to 1.'),
  commissioned: Type.Integer({ description: 'Workers that count: the five statuses add up to it.' }),
  statuses: Type.Object(
    Object.fromEntries(FLEET_STATUSES.map((status) => [status, Type.Integer()])) as Record<
      FleetStatus,
      ReturnType<typeof Type.Integer>
    >,
  ),
  unknown: Type.Integer({
    description: 'Of all of them, whatever their status: nothing is known of them now.',
  }),
  curtailed: Type.Integer({ description: 'Of the stopped ones: a window wants them to rest.' }),
  unplaced: Type.Integer({ description: 'Assigned to no location.' }),
  power: Type.Object({
    nominal_w: watts('By the makers, of workers that are not in maintenance.'),
    intended_w: watts('By contract and profile, else by the maker.'),
    actual_w: watts('By the readings that are present.'),
    measured_share: nullableNumberField('Part of actual_w that the machine or a meter measures, 0 to 1.'),
    by_source: Type.Record(Type.String(), Type.Integer({ minimum: 0, ...WIDE }), {
      description: 'actual_w by where the watts come from.',
    }),
  }),
  hashrate: Type.Array(
    Type.Object({
      algorithm: Type.String(),
      nominal_hs: rateText('By the makers.'),
      intended_hs: rateText('By contract and profile, else by the maker.'),
      actual_hs: rateText('By the readings that are present, over about 5 minutes.'),
    }),
    { description: 'By algorithm: rates of different ones are never added.' },
  ),
  debt: Type.Null({ description: 'Invoicing is off.' }),
  models: Type.Array(
    Type.Object({ model: nullableTextField('Null where it is unknown.'), count: Type.Integer() }),
    { description: 'The most frequent first.' },
  ),
})
export type FleetOverview = Static<typeof FleetOverview>

/** What a list of workers can be sorted by. */
export const WORKER_SORTS = ['id', 'asset_code', 'status_since', 'hashrate_hs', 'power_w'] as const
export type WorkerSort = (typeof WORKER_SORTS)[number]
export const WORKER_ORDERS = ['ascending', 'descending'] as const

export const WorkersQuery = parameters({
  ...pageParameters,
  ...filterParameters,
  ...customerParameter,
  status: Type.Optional(wordField(FLEET_STATUSES)),
  reason: Type.Optional(Type.String({ maxLength: 64 })),
  unknown: Type.Optional(Type.Boolean()),
  model: Type.Optional(idParameter('The id of a model.')),
  text: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: NAME_CHARACTERS_MAX,
      description:
        'A part of the asset code, the id, the model, the container or the slot; case does not matter.',
    }),
  ),
  sort: wordField(WORKER_SORTS, { default: 'id' }),
  order: wordField(WORKER_ORDERS, { default: 'ascending' }),
})

export const FleetWorkerItem = Type.Object({
  id: Type.String(),
  asset_code: Type.String(),
  model: nullableTextField('Its name.'),
  model_id: nullableTextField(),
  algorithm: nullableTextField(),
  location: nullableTextField(),
  container: nullableTextField(),
  slot: nullableTextField(),
  node: nullableTextField(),
  customer: nullableTextField(),
  status: nullableWordField(FLEET_STATUSES, 'Null while it is not commissioned.'),
  reason: nullableTextField(),
  unknown: Type.Unsafe<boolean | null>({
    type: ['boolean', 'null'],
    description: 'Nothing is known of it now: its status is the last one that was.',
  }),
  status_since: nullableTimeField(),
  reason_since: nullableTimeField(),
  changes: nullableIntegerField('How often its status has changed.'),
  observed_at: nullableTimeField('Time of its last reading, where that is present.'),
  hashrate_hs: nullableIntegerField('Over about 5 minutes.'),
  intended_hashrate_hs: nullableIntegerField(),
  power_w: nullableIntegerField(),
  power_source: nullableTextField('`nameplate`: estimated from its rate.'),
  intended_power_w: nullableIntegerField(),
})
export type FleetWorkerItem = Static<typeof FleetWorkerItem>

export const FleetWorkersPage = page(FleetWorkerItem, { as_of: asOf, stale: isStale })

export const FLEET_TEMPERATURES = ['chip', 'board', 'inlet'] as const

export const ChartsQuery = parameters({
  ...filterParameters,
  ...rangeParameters,
  temperature: wordField(FLEET_TEMPERATURES, { default: 'chip' }),
})

/** Three numbers, all of them null where too little is known: clients cannot read an object that may itself be null. */
const bandOfNumbers = (description: string) =>
  Type.Object(
    { min: nullableNumberField(), mean: nullableNumberField(), max: nullableNumberField() },
    { description },
  )

export const FleetCharts = Type.Object({
  from: timeField('Begin of the first bucket.'),
  to: timeField('End of the last one.'),
  bucket_s: Type.Integer({ description: 'Length of a bucket, seconds.' }),
  temperature: wordField(FLEET_TEMPERATURES),
  as_of: nullableTimeField(
    'Minutes before it are whole, but for what comes late. Null while nothing was read.',
  ),
  buckets: Type.Array(
    Type.Object({
      start: timeField(),
      coverage: nullableNumberField('Part of its time of which it is known what the machines did, 0 to 1.'),
      provisional: Type.Boolean({ description: 'It ends after as_of.' }),
      power_w: bandOfNumbers('Watts. Null where less than half is covered.'),
      temperature_c: bandOfNumbers(
        'Degrees Celsius: the least and the most of any machine, and the mean of all.',
      ),
      hashrate: Type.Array(
        Type.Object({
          algorithm: Type.String(),
          min_hs: rateText('Of its minutes, the least.'),
          mean_hs: rateText('Over time.'),
          max_hs: rateText('Of its minutes, the most.'),
        }),
      ),
    }),
  ),
})

export const UptimeQuery = parameters({ ...filterParameters, ...rangeParameters })

export const FleetUptime = Type.Object({
  from: timeField(),
  to: timeField(),
  as_of: nullableTimeField(
    'Minutes before it are whole, but for what comes late. Null while nothing was read.',
  ),
  hashing: nullableNumberField('Part of the known time in which workers hashed, 0 to 1.'),
  reachability: nullableNumberField('Part of the known time in which they answered, 0 to 1.'),
  coverage: nullableNumberField('Part of their time of which anything is known, 0 to 1.'),
  provisional: Type.Boolean({ description: 'Less than nine tenths are covered.' }),
})

export const WorkerParams = Type.Object({ id: idParameter('The id of a worker.') })

export const StatusHistoryQuery = parameters({
  ...pageParameters,
  provider: idParameter('The hosting provider.'),
})

export const STATUS_CAUSES = ['sample', 'poll', 'timer', 'command'] as const

export const StatusChangeItem = Type.Object({
  change: Type.Integer({ ...WIDE, description: 'Number of the change of this worker, from 1.' }),
  changed_at: timeField('Log time: of the sample, or when the timer was due.'),
  status: wordField(FLEET_STATUSES),
  reason: Type.String(),
  unknown: Type.Boolean({
    description: 'Nothing is known of it from then on: the status is the last one that was.',
  }),
  status_since: timeField(),
  reason_since: timeField(),
  before: Type.Object({
    status: nullableWordField(FLEET_STATUSES, 'Null at its commissioning.'),
    reason: nullableTextField(),
    unknown: Type.Boolean(),
  }),
  evidence: Type.Object({
    cause: wordField(STATUS_CAUSES),
    timer: nullableTextField('Which one was due.'),
    node: nullableTextField('Who sent the sample or the result of the poll, and its numbers there.'),
    epoch: nullableIntegerField(),
    seq: nullableIntegerField(),
    log_offset: nullableIntegerField('Of the record in fleet.inbox; null for a timer.'),
    log_index: nullableIntegerField(),
    observed_at: nullableTimeField(),
    rate_5m_hs: nullableNumberField(),
    rate_10m_hs: nullableNumberField(),
    intended_hs: nullableNumberField(),
    delivered_pct: nullableNumberField('Of what it reported, over 30 minutes.'),
    shares: Type.Integer({ ...WIDE, description: 'Of the last 30 minutes.' }),
    power_w: nullableNumberField(),
    power_source: nullableTextField(),
    intended_w: nullableNumberField(),
    target_pct: Type.Number({ description: 'Percent of its work that windows leave.' }),
    window_from: nullableTimeField('Begin of the windows that are active.'),
    sample_at: nullableTimeField('Time of the newest sample.'),
    engine: Type.Integer({ description: 'Version of the rules.' }),
    versions: Type.Record(Type.String(), Type.Integer(), {
      description: 'Versions of the inventory that were looked at.',
    }),
  }),
})
export type StatusChangeItem = Static<typeof StatusChangeItem>

export const StatusHistoryPage = page(StatusChangeItem, {
  as_of: nullableTimeField('Log time up to which changes are loaded.'),
})

export const NodesQuery = parameters({ ...pageParameters, provider: idParameter('The hosting provider.') })

export const FleetNodeItem = Type.Object({
  id: Type.String(),
  version: Type.Integer({ minimum: 1, description: 'Of its entity: the ETag that a change names.' }),
  name: Type.String(),
  location: Type.String(),
  workers: Type.Integer({ description: 'Assigned to it.' }),
  online: Type.Boolean({ description: 'It was heard within five minutes, or three of its intervals.' }),
  first_seen_at: nullableTimeField(),
  last_heartbeat_at: nullableTimeField(),
  last_data_at: nullableTimeField(),
  software_version: nullableTextField(),
  interval_s: nullableIntegerField('How often it polls.'),
  epoch: nullableIntegerField('Its newest start.'),
  lost: nullableIntegerField('Items that it gave a number and that will never come.'),
  clone_contacts: nullableIntegerField('How often an earlier start of it spoke beside a later one.'),
})
export type FleetNodeItem = Static<typeof FleetNodeItem>

export const FleetNodesPage = page(FleetNodeItem, {})

export const SeriesQuery = parameters({
  provider: idParameter('The hosting provider.'),
  ...rangeParameters,
  temperature: wordField(FLEET_TEMPERATURES, { default: 'chip' }),
})

export const SeriesCell = Type.Object({
  start: timeField('Begin of five minutes.'),
  commissioned_s: Type.Integer(),
  hashing_s: Type.Integer(),
  idle_s: Type.Integer({ description: 'It answered, and did not hash.' }),
  resting_s: Type.Integer({ description: 'It was set not to work.' }),
  unreachable_s: Type.Integer({ description: 'It did not answer its node.' }),
  unheard_s: Type.Integer({ description: 'Its node polled, and has nothing of it.' }),
  unreadable_s: Type.Integer({ description: 'It answered, and could not be read.' }),
  hashrate_hs: nullableIntegerField('Mean over the time of which a rate is known; null where none is.'),
  power_w: nullableIntegerField('Mean over the time of which watts are known; null where none are.'),
  temperature_c: bandOfNumbers('Degrees Celsius.'),
  shares_accepted: Type.Integer(WIDE),
  shares_refused: Type.Integer({ ...WIDE, description: 'Rejected and stale.' }),
})
export type SeriesCell = Static<typeof SeriesCell>

export const WorkerSeries = Type.Object({
  from: timeField(),
  to: timeField(),
  temperature: wordField(FLEET_TEMPERATURES),
  as_of: nullableTimeField('Five minutes that end before it are whole, but for what comes late.'),
  cells: Type.Array(SeriesCell, { description: 'Those that hold anything, the oldest first.' }),
})

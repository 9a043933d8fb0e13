import { Type } from 'typebox'
import { OUTCOMES } from '../fleet/outcomes.ts'
import { nullableTextField, nullableTimeField, timeField, WIDE } from './fields.ts'

/** What the reader shows of nodes of hosting fleets. */

/** The version of a configuration for nodes before there is one. */
export const NO_CONFIGURATION = 0

export const configVersionField = Type.Integer({
  minimum: 0,
  description: "Version of the node's configuration; 0 until there is one.",
})

const count = (description?: string) =>
  Type.Integer({ minimum: 0, ...WIDE, ...(description === undefined ? {} : { description }) })

const mark = Type.Object(
  { epoch: count(), seq: count() },
  { description: 'Numbers below it are closed: what is missing there was lost.' },
)

/** GET /api/fleet/nodes/self. */
export const FleetNodeSelf = Type.Object({
  provider_id: Type.String(),
  location_id: Type.String(),
  node_id: Type.String(),
  as_of: nullableTimeField('Log time up to which everything that the log has of the node is in this answer.'),
  first_seen_at: timeField(),
  last_heartbeat_at: nullableTimeField('Log time.'),
  last_data_at: nullableTimeField('Log time.'),
  software_version: nullableTextField('As its newest heartbeat says it.'),
  interval_s: Type.Integer(),
  newest_epoch: count(
    'The latest start of a program with the key of this node. A program whose own epoch is lower has a clone: it stops polling.',
  ),
  epochs_live: Type.Integer({
    minimum: 0,
    description:
      'The newest epoch, if it was heard of within 5 minutes of as_of, and earlier ones that have spoken since it began. More than 1: a clone is at work.',
  }),
  clone_contacts: count('Heartbeats and live batches of an epoch while a later one was live.'),
  low: mark,
  epochs: Type.Array(
    Type.Object({
      epoch: count(),
      ranges: Type.Array(Type.Object({ from: count(), to: count() }), {
        description: 'Half-open: `to` is the first number after the range.',
      }),
    }),
    { description: 'Numbers that have come, lowest first: at most 16 epochs of 64 ranges.' },
  ),
  lost: count('Numbers that were used, as later ones show, and never came.'),
  outcomes: Type.Object(Object.fromEntries(Object.keys(OUTCOMES).map((outcome) => [outcome, count()])), {
    description: 'Items by what became of them: together they are all that the log has of the node.',
  }),
  quarantined: Type.Array(
    Type.Object({ hour: timeField('Begin of an hour of log time.'), reason: Type.String(), items: count() }),
    { description: 'Items that were too old, the newest 80 such hours, oldest first.' },
  ),
  config_version: configVersionField,
})

import { Type } from 'typebox'
import type { Static } from 'typebox'
import { INTERVAL_S_MAX, INTERVAL_S_MIN } from '../../../schemas/fleet/bounds.ts'
import { NODE_ID_PATTERN } from '../../../schemas/ids.ts'

/** Machines that one node polls. */
export const MACHINES_MAX = 20_000

export const PORT_MAX = 65_535

const text = (description: string) => Type.String({ minLength: 1, maxLength: 1_000, description })
const name = (description: string) => Type.String({ pattern: NODE_ID_PATTERN, description })
const PORT = Type.Optional(Type.Integer({ minimum: 1, maximum: PORT_MAX }))
const closed = { additionalProperties: false } as const

/** A machine as the file names it. Its login stands in this file and nowhere else. */
const MACHINE_SCHEMA = Type.Object(
  {
    address: Type.String({
      pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(:\\d{1,5})?$',
      maxLength: 128,
      description: 'Where it answers: a name or an IP address, and a port where it is not the usual one.',
    }),
    ports: Type.Optional(
      Type.Object(
        { cgminer: PORT, framed: PORT, http: PORT },
        { ...closed, description: 'Ports where they are not the usual ones, by what is spoken there.' },
      ),
    ),
    adapter: text('What it speaks: a name of the table in docs/fleet.md.'),
    context: Type.Optional(
      Type.Object(
        {},
        { description: 'What is known of it: `model` and `gpus_expected`, as in a file for --normalise.' },
      ),
    ),
    login: Type.Optional(
      Type.Object(
        {
          // It is sent in a header of HTTP.
          user: Type.Optional(Type.String({ pattern: '^[\\x20-\\x7e]*$', maxLength: 256 })),
          password: Type.String({ maxLength: 256 }),
        },
        { ...closed, description: 'For machines that answer only to whoever logs in.' },
      ),
    ),
  },
  closed,
)

/** The file of `npm run node -- --config FILE`: every member once, with its bounds and what it is for. */
export const AGENT_CONFIG_SCHEMA = Type.Object(
  {
    gatewayUrl: Type.String({ pattern: '^https?://[^\\s?#@]+$', description: 'The address of the gateway.' }),
    stateFolder: text('Where the node keeps its key, its spool and its roster: a folder of its own.'),
    token: Type.Optional(text('A one-time token, with which the node enrols at its first start.')),
    keyFile: Type.Optional(text('A file with the node’s key, in the place of a token.')),
    node: Type.Optional(
      Type.Object(
        {
          provider_id: name('The hosting provider.'),
          location_id: name('The location.'),
          node_id: name('The node.'),
        },
        { ...closed, description: 'Which node this is; needed with keyFile.' },
      ),
    ),
    nodeName: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'The name under which it enrols.' }),
    ),
    interval_s: Type.Optional(
      Type.Integer({
        minimum: INTERVAL_S_MIN,
        maximum: INTERVAL_S_MAX,
        description: 'How often each machine is polled. Without it: 60.',
      }),
    ),
    locationTimezone: Type.Optional(
      text('IANA name of the zone in which machines of this location show local times.'),
    ),
    keepRaw: Type.Optional(
      text('A folder for the newest raw answers of each machine, to look at one that reads oddly.'),
    ),
    machines: Type.Array(MACHINE_SCHEMA, { minItems: 1, maxItems: MACHINES_MAX }),
  },
  closed,
)

export type AgentFile = Static<typeof AGENT_CONFIG_SCHEMA>

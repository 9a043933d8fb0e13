/** Where and how one request of a plan is put to a machine. */
export type Ask =
  /** A command to cgminer's port, or to a firmware that took it over: JSON, answered by JSON until NUL or the end. */
  | { readonly via: 'cgminer'; readonly port: number; readonly command: Readonly<Record<string, unknown>> }
  /** A command in a frame with its length before it. */
  | { readonly via: 'framed'; readonly port: number; readonly command: Readonly<Record<string, unknown>> }
  | {
      readonly via: 'http'
      readonly port: number
      readonly method: 'GET' | 'POST'
      readonly path: string
      readonly needsLogin: NeedsLogin
    }

/**
 * How HTTP lets the node in: not at all, by the digest of user and password, or by a session of this firmware, which is opened
 * where the machine has a login in the file.
 */
export type NeedsLogin = 'none' | 'digest' | SessionKind
export type SessionKind = 'braiins' | 'vnish' | 'auradine' | 'iceriver'

/** One request of a poll, under the name by which the adapter knows its answer. */
export interface PlannedRequest {
  readonly request: string
  readonly ask: Ask
  /** False where machines of this kind are whole without it: its failure does not make the poll a partial one. */
  readonly isNeeded: boolean
}

/** The requests of one poll. Where none of the first variant can be reached, the next one is tried. */
export interface Plan {
  readonly variants: readonly (readonly PlannedRequest[])[]
}

const CGMINER_PORT = 4_028
const WHATSMINER_PORT = 4_433
const HTTP_PORT = 80
const AURADINE_PORT = 8_080
const BITMAIN_POWER_PORT = 6_060
const DCGM_PORT = 9_400

type Needed = 'needed' | 'optional'

function cgminer(command: string, needed: Needed = 'needed'): PlannedRequest {
  const ask: Ask = { via: 'cgminer', port: CGMINER_PORT, command: { command } }
  return { request: command, ask, isNeeded: needed === 'needed' }
}

/** Firmware of Bitmain since 2022 answers in its new form where it is asked for it; older firmware ignores the word. */
function bitmain(command: string): PlannedRequest {
  const ask: Ask = { via: 'cgminer', port: CGMINER_PORT, command: { command, new_api: true } }
  return { request: `${command} new_api`, ask, isNeeded: true }
}

function bitmainWeb(name: string): PlannedRequest {
  const ask: Ask = {
    via: 'http',
    port: HTTP_PORT,
    method: 'GET',
    path: `/cgi-bin/${name}`,
    needsLogin: 'digest',
  }
  return { request: name, ask, isNeeded: true }
}

function framed(cmd: string, param?: string): PlannedRequest {
  const command = param === undefined ? { cmd } : { cmd, param }
  const request = param === undefined ? cmd : `${cmd} ${param}`
  return { request, ask: { via: 'framed', port: WHATSMINER_PORT, command }, isNeeded: true }
}

interface HttpRequest {
  readonly request: string
  readonly path: string
  readonly port?: number
  readonly method?: 'GET' | 'POST'
  readonly needsLogin?: NeedsLogin
  readonly needed?: Needed
}

function http({ request, path, port, method, needsLogin, needed }: HttpRequest): PlannedRequest {
  return {
    request,
    ask: {
      via: 'http',
      port: port ?? HTTP_PORT,
      method: method ?? 'GET',
      path,
      needsLogin: needsLogin ?? 'none',
    },
    isNeeded: needed !== 'optional',
  }
}

const braiins = (request: string, needed: Needed = 'needed'): PlannedRequest =>
  http({ request, path: `/api/v1/${request}`, needsLogin: 'braiins', needed })
const vnish = (path: string, needed: Needed = 'needed'): PlannedRequest =>
  http({ request: path, path, needsLogin: 'vnish', needed })
const auradine = (request: string, needed: Needed = 'needed'): PlannedRequest =>
  http({ request, path: `/${request}`, port: AURADINE_PORT, needsLogin: 'auradine', needed })

/** What a node asks machines of each kind, by the name of their adapter. A kind that is not here pushes, and is not polled. */
export const PLANS: ReadonlyMap<string, Plan> = new Map<string, Plan>([
  [
    'auradine',
    {
      variants: [
        [
          ...['summary', 'mode', 'psu', 'temperature', 'fan', 'ipreport', 'pools'].map((one) =>
            auradine(one),
          ),
          ...['devs', 'asccount', 'frequency', 'version', 'led'].map((one) => auradine(one, 'optional')),
        ],
      ],
    },
  ],
  [
    'avalon',
    {
      variants: [
        [
          ...['version', 'summary'].map((one) => cgminer(one)),
          ...['estats', 'stats', 'devs'].map((one) => cgminer(one, 'optional')),
          cgminer('pools'),
        ],
      ],
    },
  ],
  [
    'bitmain',
    {
      variants: [
        [
          ...['stats', 'summary', 'pools'].map(bitmain),
          ...['get_system_info.cgi', 'get_miner_conf.cgi'].map(bitmainWeb),
          { ...bitmainWeb('summary.cgi'), isNeeded: false },
          http({
            request: 'miner_power',
            path: '/miner_power',
            port: BITMAIN_POWER_PORT,
            needed: 'optional',
          }),
        ],
      ],
    },
  ],
  [
    'braiins',
    {
      variants: [
        [
          ...['miner/stats', 'miner/hw/hashboards', 'cooling/state', 'miner/details', 'pools'].map((one) =>
            braiins(one),
          ),
          ...['configuration/miner', 'network', 'performance/tuner-state', 'miner/errors'].map((one) =>
            braiins(one, 'optional'),
          ),
        ],
      ],
    },
  ],
  [
    'epic',
    {
      variants: [
        [
          http({ request: '/summary', path: '/summary', port: CGMINER_PORT }),
          http({ request: '/network', path: '/network', port: CGMINER_PORT }),
          http({ request: '/capabilities', path: '/capabilities', port: CGMINER_PORT }),
        ],
      ],
    },
  ],
  [
    'espminer',
    {
      variants: [
        [
          http({ request: '/api/system/info', path: '/api/system/info' }),
          http({ request: '/api/system/asic', path: '/api/system/asic', needed: 'optional' }),
        ],
      ],
    },
  ],
  [
    'iceriver',
    {
      variants: [
        [
          http({
            request: 'userpanel post=4',
            path: '/user/userpanel?post=4',
            method: 'POST',
            needsLogin: 'iceriver',
          }),
        ],
      ],
    },
  ],
  [
    'luxos',
    {
      variants: [
        [
          ...['summary', 'stats', 'devs', 'temps', 'fans', 'power', 'pools', 'config'].map((one) =>
            cgminer(one),
          ),
          ...['events', 'version'].map((one) => cgminer(one, 'optional')),
        ],
      ],
    },
  ],
  ['nvidia-smi', { variants: [[http({ request: 'dcgm', path: '/metrics', port: DCGM_PORT })]] }],
  [
    'sealminer',
    {
      variants: [
        [
          ...['stats', 'summary', 'pools'].map((one) => cgminer(one)),
          ...['version', 'get_system_info'].map((one) => cgminer(one, 'optional')),
        ],
      ],
    },
  ],
  [
    'vnish',
    {
      variants: [
        [vnish('/api/v1/info'), vnish('/api/v1/summary'), vnish('/api/v1/chains/factory-info', 'optional')],
      ],
    },
  ],
  [
    'whatsminer',
    {
      variants: [
        [
          ...['summary', 'edevs', 'pools'].map((part) => framed('get.miner.status', part)),
          framed('get.device.info'),
        ],
        [
          ...['summary', 'edevs', 'pools', 'status', 'get_version', 'get_miner_info'].map((one) =>
            cgminer(one),
          ),
          ...['get_psu', 'get_error_code', 'devdetails'].map((one) => cgminer(one, 'optional')),
        ],
      ],
    },
  ],
])

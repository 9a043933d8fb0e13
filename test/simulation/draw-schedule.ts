import { CONSUMERS, SERVICES, TASK_SERVICES } from '../../schemas/services.ts'
import type { ConsumerName } from '../../schemas/services.ts'
import { FAILPOINTS } from '../../pipelines/failpoints.ts'
import type { FailpointName } from '../../pipelines/failpoints.ts'
import { ACTORS } from './actors.ts'
import { ClusterDraw } from './draw-cluster.ts'
import type { ClusterTrouble } from './draw-cluster.ts'
import type { MisplacedTrouble } from './usage/draw-misplaced.ts'
import type { ModelsTrouble } from './usage/draw-models.ts'
import { drawUndecided } from './draw-undecided.ts'
import type { UndecidedTrouble } from './draw-undecided.ts'
import type { FateEnd, RequestKind } from './world/fate.ts'
import type { Entry, FaultEntry, PointEntry, Schedule, Settings } from './schedule.ts'
import { SeededRandom } from './world/seeded-random.ts'

const HOUR_MS = 3_600_000
/** The first hour of a month: rows of one transaction may belong to two table partitions. */
const MONTH_START_MS = Date.UTC(2026, 2, 1)

/** Kinds of trouble; each seed has only some of them, so that each kind is also seen without the others. */
const TROUBLES = [
  'kill',
  'stop',
  'freeze',
  'fault',
  'point',
  'store',
  'forget-offsets',
  'compact',
  'insert',
] as const
type ProcessTrouble = (typeof TROUBLES)[number]
export type Trouble = ProcessTrouble | ClusterTrouble | UndecidedTrouble | MisplacedTrouble | ModelsTrouble

/** The schedule of a seed: the same for the same seed, on every machine. `only`: without any other kind of trouble. */
export function drawSchedule(seed: number, only?: readonly Trouble[]): Schedule {
  const random = new SeededRandom(seed)
  const cluster = new ClusterDraw(seed)
  const settings = { ...drawSettings(random), ...cluster.settings }
  const some = TROUBLES.filter(() => random.chance(0.55))
  const troubles = only === undefined ? some : TROUBLES.filter((trouble) => only.includes(trouble))
  const drawn = ACTORS.flatMap(({ draw }) => draw?.(random, settings) ?? [])
  const joined = ACTORS.reduce<Entry[]>(
    (entries, { join }) => join?.({ seed, settings, only, entries }) ?? entries,
    drawn,
  )
  joined.push(...drawUndecided(seed, only, settings.activeMs, joined))
  const entries = ACTORS.reduce<Entry[]>(
    (all, { disturb }) => disturb?.({ seed, settings, only, entries: all }) ?? all,
    joined,
  )
  entries.push(...cluster.entries(only, settings.activeMs, drawn))
  const count = troubles.length === 0 ? 0 : random.pick([4, 12, 40])
  for (let index = 0; index < count; index++) {
    // Trouble has the most effect shortly after events have come.
    const isNear = random.chance(0.6)
    const atMs = isNear ? random.pick(drawn).atMs + random.skewed(3_000) : random.int(0, settings.activeMs)
    entries.push(drawTrouble(random, random.pick(troubles), atMs, settings))
  }
  return { seed, settings, entries: entries.toSorted((left, right) => left.atMs - right.atMs) }
}

function drawSettings(random: SeededRandom): Omit<Settings, keyof ClusterDraw['settings']> {
  const base = random.chance(0.5) ? MONTH_START_MS : MONTH_START_MS + 5 * HOUR_MS
  return {
    startMs: base - random.int(0, 40_000),
    activeMs: random.int(6_000, 25_000),
    instances: drawInstances(random),
    idsMax: random.pick([8, 12, 30, 1_000_000]),
    fetchMax: random.pick([3, 10, 60]),
    latencyMs: random.pick([5, 60, 600, 2_500]),
    markerMs: random.pick([2, 200, 3_000]),
    skewMs: random.pick([0, 10_000]),
  }
}

function drawInstances(random: SeededRandom): Settings['instances'] {
  const drawn = CONSUMERS.map((name) => [name, SERVICES[name].kind === 'loader' ? random.int(2, 3) : 2])
  return Object.fromEntries(drawn) as Settings['instances']
}

function drawTrouble(random: SeededRandom, trouble: ProcessTrouble, atMs: number, settings: Settings): Entry {
  const service = random.pick(CONSUMERS)
  const instance = random.int(0, settings.instances[service] - 1)
  switch (trouble) {
    case 'kill':
    case 'stop':
      return {
        kind: trouble,
        atMs,
        service,
        instance,
        downMs: random.pick([50, 2_000, 14_000]),
        rules: random.int(1, 2),
      }
    case 'freeze':
      return { kind: 'freeze', atMs, service, instance, forMs: random.pick([700, 4_000, 13_000, 22_000]) }
    case 'store': {
      const what = random.pick(['away', 'kill', 'slow'] as const)
      const forMs = random.int(500, 12_000)
      // Without a draw of its own, so that the draws of every other seed stay as they were.
      return { kind: 'store', atMs, what: what === 'kill' && forMs % 2 === 0 ? 'older' : what, forMs }
    }
    case 'forget-offsets':
      return { kind: 'forget-offsets', atMs, service }
    case 'insert':
      return drawInsertFault(random, atMs)
    case 'fault':
      return drawFault(random, atMs, service)
    case 'point':
      return drawPoint(random, atMs)
    default:
      return { kind: trouble, atMs }
  }
}

function drawInsertFault(random: SeededRandom, atMs: number): FaultEntry {
  const end = random.pick<FateEnd>([
    'unanswered',
    'late',
    'late',
    'late',
    'phantom',
    'phantom',
    'lost',
    'refused',
  ])
  return {
    kind: 'fault',
    atMs,
    service: 'loader',
    request: 'insert',
    end,
    holdMs: random.int(500, 7_500),
    isCut: random.chance(0.8),
  }
}

/** Points that only a loader reaches. */
const OF_LOADER: ReadonlySet<FailpointName> = new Set([
  'after_look',
  'before_insert',
  'during_insert',
  'after_insert',
  'before_offset_commit',
])

/** A zombie at the first point has an INSERT to send, at the other a transaction to end. */
const WORST_POINTS: readonly FailpointName[] = ['before_insert', 'after_send']

function drawPoint(random: SeededRandom, atMs: number): PointEntry {
  const point = random.chance(0.3) ? random.pick(WORST_POINTS) : random.pick(FAILPOINTS)
  return {
    kind: 'point',
    atMs,
    service: OF_LOADER.has(point) ? 'loader' : random.pick(TASK_SERVICES),
    point,
    what: random.pick(['kill', 'freeze']),
    forMs: random.pick([200, 6_000, 14_000, 14_000, 22_000]),
  }
}

/** Requests of tasks; those with an important outcome are drawn more often. */
const OF_TASKS: readonly RequestKind[] = [
  'end',
  'end',
  'end',
  'produce',
  'produce',
  'init',
  'append',
  'fetch',
  'group',
  'offsets',
  'log',
  'delete',
  'look',
]
const OF_LOADERS: readonly RequestKind[] = ['offsets', 'fetch', 'group', 'look']

function drawFault(random: SeededRandom, atMs: number, service: ConsumerName): FaultEntry {
  const ofGateway = random.chance(0.15)
  const request = ofGateway ? 'append' : random.pick(service === 'loader' ? OF_LOADERS : OF_TASKS)
  const ends: FateEnd[] = ['refused', 'lost', 'unanswered', 'late']
  if (request === 'produce') ends.push('partly', 'unanswered', 'unanswered')
  return {
    kind: 'fault',
    atMs,
    service: ofGateway ? 'gateway' : service,
    request,
    end: random.pick(ends),
    holdMs: random.skewed(15_000),
    isCut: random.chance(0.5),
  }
}

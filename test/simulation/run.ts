import { SERVICES, TASK_SERVICES } from '../../schemas/services.ts'
import { blockTopics, TOPICS as SPECS } from '../../schemas/topics.ts'
import { TRANSACTION_TIMEOUT_MS } from '../../pipelines/kafka/produce/transaction-session.ts'
import type { ActorRun, ActorTasks } from './actor.ts'
import { ACTORS } from './actors.ts'
import { Fleet } from './fleet.ts'
import { Gateway } from './gateway.ts'
import { judge } from './judge.ts'
import { blocksOf, positionOf } from './logs.ts'
import type { Entry, Schedule } from './schedule.ts'
import { PARTITION_NUMBERS, TOPICS } from './services.ts'
import type { Tampering } from './tampering.ts'
import { placeOf } from './world/cluster.ts'
import { World } from './world/world.ts'

export interface RunOptions {
  /** Takes guards away before anything starts. */
  readonly tamper?: (world: World) => Tampering | void
  readonly trace?: (line: string) => void
}

/** After the faults, all work must be done within this much of the world's time. */
const DRAIN_MS_MAX = 300_000
const DRAIN_STEP_MS = 1_000
/** Longer than a transaction may stay open. */
const SETTLE_MS = TRANSACTION_TIMEOUT_MS + 5_000

/** State topics in which only the newest record of a key is kept. */
const COMPACTED = TASK_SERVICES.map((name) => SERVICES[name].state)
  .filter((role) => SPECS[role].cleanup === 'compact')
  .map((role) => TOPICS[role])

/** Runs one simulation from start to judgement; returns what is wrong, in words. It never throws for what a service did. */
export async function run(schedule: Schedule, options: RunOptions = {}): Promise<string[]> {
  const world = new World(schedule, options.trace)
  const tampering = options.tamper?.(world) ?? {}
  const actors = ACTORS.map((actor) => actor.enter(world, tampering))
  const tasks = actors.flatMap((actor) => actor.tasks)
  const fleet = new Fleet(world, tasks, tampering)
  const gateways = [new Gateway(world, 0), new Gateway(world, 1)]
  const { timeline } = world
  const { activeMs, startMs } = schedule.settings
  for (const entry of schedule.entries) {
    timeline.after(entry.atMs, () => play(entry, { world, fleet, gateways, actors }))
  }
  await timeline.run(startMs + activeMs)
  world.heal()
  if (!(await drained(world, gateways, tasks))) world.problems.push(`not done: ${stateOf(world, tasks)}`)
  // All processes are gone: transactions under way end or are aborted, so that all logs show the same transactions.
  fleet.end()
  await timeline.run(timeline.nowMs + SETTLE_MS)
  return [...new Set([...world.problems, ...(await judge(world, actors))])]
}

interface Played {
  readonly world: World
  readonly fleet: Fleet
  readonly gateways: readonly Gateway[]
  readonly actors: readonly ActorRun[]
}

function play(entry: Entry, { world, fleet, gateways, actors }: Played): void {
  if (actors.some((actor) => actor.play(entry, gateways))) return
  switch (entry.kind) {
    case 'fault':
      world.arm(entry)
      break
    case 'point':
      world.armPoint(entry)
      break
    case 'decide-fails':
    case 'commit-fails':
      world.undecided.arm(entry)
      break
    case 'kill':
      fleet.kill(entry.service, entry.instance, entry.downMs, entry.rules)
      break
    case 'stop':
      fleet.stop(entry.service, entry.instance, entry.downMs, entry.rules)
      break
    case 'freeze':
      fleet.freeze(entry.service, entry.instance, entry.forMs)
      break
    case 'store':
      if (entry.what === 'older') fleet.killFrozenLoaders(entry.forMs)
      playStore(entry, world)
      break
    case 'forget-offsets':
      world.cluster.forgetOffsets(entry.service)
      break
    case 'broker':
      if (entry.what === 'stop') world.cluster.brokers.stop(entry.broker, entry.forMs)
      else world.cluster.brokers.fail(entry.broker, entry.what, entry.forMs, entry.failoverMs)
      break
    case 'move':
      world.move(entry.from, entry.count)
      break
    case 'compact':
      for (const topic of COMPACTED) {
        for (const partition of PARTITION_NUMBERS) world.cluster.log(topic, partition).compact()
      }
      break
    default:
      throw new Error(`No actor plays ${entry.kind}.`)
  }
}

/** The age of the copy from which a store comes back. */
const COPY_AGE_MS = 6_000

function playStore({ what, forMs }: Extract<Entry, { kind: 'store' }>, world: World): void {
  world.trace('store', `${what} for ${forMs} ms`)
  if (what === 'kill') world.store.kill(forMs)
  if (what === 'away') world.store.away(forMs)
  if (what === 'older') world.store.putBack(forMs, COPY_AGE_MS)
  if (what !== 'slow') return
  world.storeSlowMs = 3_000
  world.timeline.after(forMs, () => {
    world.storeSlowMs = 0
  })
}

/** Runs until every record is decided and loaded; returns false where that does not happen. */
async function drained(
  world: World,
  gateways: readonly Gateway[],
  tasks: readonly ActorTasks[],
): Promise<boolean> {
  const { timeline } = world
  const untilMs = timeline.nowMs + DRAIN_MS_MAX
  const isSent = (): boolean => gateways.every(({ waiting }) => waiting === 0)
  for (const isReached of [isSent, ...tasks.map(({ isDone }) => isDone), loadedTo(world)]) {
    while (!isReached()) {
      if (timeline.nowMs >= untilMs || world.problems.length > 0) return false
      await timeline.run(timeline.nowMs + DRAIN_STEP_MS)
    }
  }
  return true
}

/** True once the store has everything that was in the block topics at the first call. */
function loadedTo(world: World): () => boolean {
  let seqs: { place: string; seq: number }[] | undefined
  return () => {
    seqs ??= blockTopics(TOPICS).flatMap((topic) =>
      PARTITION_NUMBERS.map((partition) => {
        const last = blocksOf(world, topic, partition).at(-1)
        return { place: placeOf(topic, partition), seq: last?.seq ?? 0 }
      }),
    )
    return seqs.every(({ place, seq }) => world.store.loadedSeq(place) >= seq)
  }
}

function stateOf(world: World, tasks: readonly ActorTasks[]): string {
  const { cluster, store } = world
  return PARTITION_NUMBERS.map((partition) => {
    const decided = tasks.map((those) => {
      const { end } = cluster.log(TOPICS[SERVICES[those.service].input], partition)
      return `${those.service} ${positionOf(world, those, partition)} of ${end}`
    })
    const loaded = blockTopics(TOPICS).map((topic) => store.loadedSeq(placeOf(topic, partition)))
    return `partition ${partition}: ${decided.join(', ')}, loaded ${loaded.join(' and ')}`
  }).join('; ')
}

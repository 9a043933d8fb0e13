import { isTick } from '../../pipelines/load/group.ts'
import {
  aggregatorTaskCodec,
  SCHEMA_ID,
  schemaIdOf,
  settlerTaskCodec,
  STATE_KEY,
} from '../../schemas/avro.ts'
import { BLOCK_HEADER } from '../../schemas/tables.ts'
import { blockTopics } from '../../schemas/topics.ts'
import { TRANSACTION_TIMEOUT_MS } from '../../pipelines/kafka/produce/transaction-session.ts'
import { Fleet } from './fleet.ts'
import type { Tampering } from './fleet.ts'
import { Gateway, undecidableName } from './gateway.ts'
import { judge } from './judge.ts'
import type { Entry, Schedule } from './schedule.ts'
import { PARTITIONS, TOPICS } from './services.ts'
import { placeOf } from './cluster.ts'
import { World } from './world.ts'

export interface RunOptions {
  /** Takes guards away before anything starts. */
  readonly tamper?: (world: World) => Tampering | void
  readonly trace?: (line: string) => void
}

/** After the faults all must be done within this much of the world's time. */
const DRAIN_MS_MAX = 300_000
const DRAIN_STEP_MS = 1_000
/** Longer than a transaction may stay open. */
const SETTLE_MS = TRANSACTION_TIMEOUT_MS + 5_000

/** One simulated run from start to judgement; returns what is wrong, in words. Never throws for what a service did. */
export async function run(schedule: Schedule, options: RunOptions = {}): Promise<string[]> {
  const world = new World(schedule, options.trace)
  const tampering = options.tamper?.(world) ?? {}
  const fleet = new Fleet(world, tampering)
  const gateways = [new Gateway(world, 0), new Gateway(world, 1)]
  const { timeline } = world
  const { activeMs, startMs } = schedule.settings
  for (const entry of schedule.entries) {
    timeline.after(entry.atMs, () => play(entry, world, fleet, gateways))
  }
  await timeline.run(startMs + activeMs)
  world.heal()
  if (!(await drained(world, gateways))) world.problems.push(`not done: ${stateOf(world)}`)
  // Nobody is left: what was under way ends or is aborted, so that all logs tell of the same transactions.
  fleet.end()
  await timeline.run(timeline.nowMs + SETTLE_MS)
  return [...new Set([...world.problems, ...judge(world)])]
}

function play(entry: Entry, world: World, fleet: Fleet, gateways: readonly Gateway[]): void {
  switch (entry.kind) {
    case 'usage':
      gateways[entry.gateway]?.send(entry.partition, entry.events, entry.strays)
      break
    case 'command':
    case 'heartbeat':
      gateways[entry.gateway]?.ask(entry)
      break
    case 'broken':
      gateways[entry.gateway]?.sendBroken(entry.partition)
      break
    case 'fault':
      world.arm(entry)
      break
    case 'point':
      world.armPoint(entry)
      break
    case 'undecidable':
      world.undecided.addName(undecidableName(entry))
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
    case 'models':
      world.models.publish(entry.behindMs)
      world.trace('world', 'another table of models')
      break
    case 'compact':
      for (let partition = 0; partition < PARTITIONS; partition++) {
        world.cluster.log(TOPICS.nodeState, partition).compact()
      }
      break
  }
}

/** How old the copy is that a store comes back from. */
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

/** Runs until every record is counted, settled and loaded; false where it does not come to that. */
async function drained(world: World, gateways: readonly Gateway[]): Promise<boolean> {
  const { timeline } = world
  const untilMs = timeline.nowMs + DRAIN_MS_MAX
  const isSent = (): boolean => gateways.every(({ waiting }) => waiting === 0)
  for (const isReached of [isSent, () => isCounted(world), settledTo(world), loadedTo(world)]) {
    while (!isReached()) {
      if (timeline.nowMs >= untilMs || world.problems.length > 0) return false
      await timeline.run(timeline.nowMs + DRAIN_STEP_MS)
    }
  }
  return true
}

/** The newest task record of a partition. */
function positionOf(world: World, topic: string, partition: number): number {
  const records = world.cluster.log(topic, partition).committed()
  const value = records.findLast(({ key }) => key?.toString() === STATE_KEY.task)?.value
  if (value === undefined || value === null) return 0
  return (topic === TOPICS.usageIds ? aggregatorTaskCodec : settlerTaskCodec).decode(value).position
}

const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)

function isCounted(world: World): boolean {
  return partitions.every((partition) => {
    const records = world.cluster.log(TOPICS.usageMetered, partition).committed()
    const last = records.findLast(({ value }) => schemaIdOf(value) !== SCHEMA_ID.tick)
    return last === undefined || positionOf(world, TOPICS.usageIds, partition) > last.offset
  })
}

/** The settlers have taken in what stood in their inboxes at the first call. */
function settledTo(world: World): () => boolean {
  let ends: bigint[] | undefined
  return () => {
    ends ??= partitions.map((partition) => world.cluster.log(TOPICS.accountInbox, partition).end)
    return partitions.every((partition) => {
      const log = world.cluster.log(TOPICS.accountInbox, partition)
      const end = ends?.[partition] ?? 0n
      if (log.lastStable < end) return false
      const last = log.committed().findLast(({ offset }) => offset < end)
      return last === undefined || positionOf(world, TOPICS.nodeState, partition) > last.offset
    })
  }
}

/** The store has what stood in the block topics at the first call. */
function loadedTo(world: World): () => boolean {
  let seqs: { place: string; seq: number }[] | undefined
  return () => {
    seqs ??= blockTopics(TOPICS).flatMap((topic) =>
      partitions.map((partition) => {
        const last = world.cluster
          .log(topic, partition)
          .committed()
          .findLast((record) => !isTick(record))
        return { place: placeOf(topic, partition), seq: Number(last?.headers[BLOCK_HEADER.seq] ?? 0) }
      }),
    )
    return seqs.every(({ place, seq }) => world.store.loadedSeq(place) >= seq)
  }
}

function stateOf(world: World): string {
  return partitions
    .map((partition) => {
      const { cluster, store } = world
      const usage = `usage ${positionOf(world, TOPICS.usageIds, partition)} of ${cluster.log(TOPICS.usageMetered, partition).end}`
      const inbox = `inbox ${positionOf(world, TOPICS.nodeState, partition)} of ${cluster.log(TOPICS.accountInbox, partition).end}`
      const loaded = blockTopics(TOPICS).map((topic) => store.loadedSeq(placeOf(topic, partition)))
      return `partition ${partition}: ${usage}, ${inbox}, loaded ${loaded.join(' and ')}`
    })
    .join('; ')
}

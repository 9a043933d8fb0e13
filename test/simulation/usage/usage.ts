import {
  aggregatorTaskCodec,
  SCHEMA_ID,
  schemaIdOf,
  usageEventCodec,
  usageEventsCodec,
} from '../../../schemas/avro.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { Lookup } from '../../../pipelines/dedupe/lookup.ts'
import type { Forward } from '../../../pipelines/task/task.ts'
import { AggregatorState } from '../../../pipelines/usage/pipeline.ts'
import { eventId, usageEvent } from '../../support/records/usage-events.ts'
import { eventName } from '../../support/oracles/usage-oracle.ts'
import { operatorName, reservationName } from '../account/requests.ts'
import type { Actor, ActorRun, ActorTasks } from '../actor.ts'
import type { Gateway } from '../gateway.ts'
import { blocksOf, passedBy, positionOf } from '../logs.ts'
import { nodeIdOf } from '../nodes.ts'
import type { Entry, EventDraft, UsageEntry } from '../schedule.ts'
import { otherPartition, PARTITION_NUMBERS, PARTITIONS, TOPICS } from '../services.ts'
import { gateOf, waitingMarks } from '../store-marks.ts'
import type { Tampering } from '../tampering.ts'
import { StoreClient } from '../world/store-client.ts'
import type { World } from '../world/world.ts'
import { drawMisplaced } from './draw-misplaced.ts'
import { drawModels } from './draw-models.ts'
import { drawUsage } from './draw-usage.ts'
import { judgeSentOn, judgeUsage } from './judge-usage.ts'
import { SimModels } from './models.ts'

const ID_KEY = Buffer.alloc(32, 7)

/** Events, and the tasks that count them. */
export const usage: Actor = {
  draw: drawUsage,
  disturb: ({ seed, only, settings, entries }) =>
    drawMisplaced(seed, only, [...entries, ...drawModels(seed, only, settings.activeMs)]),
  enter: (world, tampering) => {
    const models = new SimModels(world.timeline)
    const tasks = aggregators(world, models, tampering)
    return {
      tasks: [tasks],
      play: (entry, gateways) => play(entry, world, models, gateways),
      judge: (partition) => judgeOf(world, models, tasks, partition),
    }
  },
}

function play(entry: Entry, world: World, models: SimModels, gateways: readonly Gateway[]): boolean {
  const { usageMetered } = TOPICS
  switch (entry.kind) {
    case 'usage':
      for (const value of recordsOf(entry, world)) {
        gateways[entry.gateway]?.send(usageMetered, entry.partition, value)
      }
      return true
    case 'broken':
      gateways[entry.gateway]?.send(usageMetered, entry.partition, Buffer.from('not ours'))
      return true
    case 'models':
      models.publish(entry.behindMs)
      world.trace('world', 'another table of models')
      return true
    case 'undecidable': {
      if (entry.of !== 'event') return false
      const node_id = nodeIdOf(entry.partition, entry.node)
      world.undecided.addName(eventName(usageEvent({ ...idOf(entry.id), node_id })))
      return true
    }
    default:
      return false
  }
}

/**
 * A record for the partition: with events of its own nodes, and of the other partition's where the sender uses another
 * partitioner.
 */
function recordsOf({ partition, events, strays = [] }: UsageEntry, world: World): Buffer[] {
  const { startMs } = world.schedule.settings
  const own = events.map((draft) => toEvent(draft, partition, startMs))
  const foreign = strays.map((draft) => toEvent(draft, otherPartition(partition), startMs))
  if (own.length > 0) return [usageEventsCodec.encode({ events: [...foreign, ...own] })]
  // A serializer writes one event per record.
  return foreign.map((event) => usageEventCodec.encode(event))
}

/** Some ids are texts, and their producers send bytes beside them that have no meaning. */
function idOf(id: number): Pick<UsageEvent, 'event_id' | 'event_text'> {
  return { event_id: eventId(id), event_text: id % 5 === 3 ? `order ${id}` : null }
}

function toEvent(draft: EventDraft, partition: number, startMs: number): UsageEvent {
  const { energyMwh, operator } = draft
  return usageEvent({
    ...idOf(draft.id),
    node_id: nodeIdOf(partition, draft.node),
    operator_id: operatorName(operator),
    model_id: draft.id % 2 === 0 ? 'groq' : 'whisper-stt',
    task_source: draft.source,
    occurred_at: startMs - draft.agoMs,
    tokens_in: draft.tokens,
    gpu_ms: draft.gpuMs,
    energy_mwh: energyMwh,
    energy_source: energyMwh === null ? 'none' : 'meter',
    cost_nano_usd: draft.nanoUsd,
    reservation_id: reservationName(draft.reservation ?? null),
  })
}

function aggregators(world: World, models: SimModels, tampering: Tampering): ActorTasks {
  const tasks: ActorTasks = {
    service: 'aggregator',
    fieldsOf: (record) => {
      const { position, next_seq, watermark, evicted_seq, models_version } =
        aggregatorTaskCodec.decode(record)
      return [position, next_seq, watermark, evicted_seq, models_version]
    },
    // Every record, including those that a task sends on meanwhile.
    isDone: () =>
      PARTITION_NUMBERS.every((partition) => {
        const records = world.cluster.log(TOPICS.usageMetered, partition).committed()
        const last = records.findLast(({ value }) => schemaIdOf(value) !== SCHEMA_ID.tick)
        return last === undefined || positionOf(world, tasks, partition) > last.offset
      }),
    open: ({ process, lives }) => {
      const client = new StoreClient(process, world.store)
      const marks = waitingMarks(client.followLoaded(TOPICS.usageBlocks, PARTITIONS), world.timeline)
      const idPool = { held: 0, max: world.schedule.settings.idsMax }
      const { forward: tampered = (plain: Forward): Forward => plain } = tampering
      // Every second process that is started learns of versions late: the next owner of a partition may know less than the last.
      const followed = models.follow(lives % 2 === 0)
      const tables = tampering.models?.(followed) ?? followed
      const lookup = waitingLookup(client.lookup(TOPICS.usageBlocks), world, tampering)
      return (partition, forward) =>
        new AggregatorState({
          partition,
          partitions: PARTITIONS,
          topics: TOPICS,
          idKey: ID_KEY,
          idPool,
          lookup,
          models: tables,
          loadedSeq: (of) => marks.of(of)?.seq ?? 0,
          gate: gateOf(TOPICS.usageBlocks, partition, marks),
          forward: tampered(forward, partition),
          decidePoint: world.undecided.decidePoint,
          clock: process.clock,
          metrics: noMetrics,
        })
    },
  }
  return tasks
}

/** The decision waits for the store: time must pass. */
function waitingLookup(plain: Lookup, { timeline }: World, { lookup: tamper }: Tampering): Lookup {
  const ask = tamper?.(plain) ?? plain
  return async (...keys) => {
    timeline.endWork()
    try {
      return await ask(...keys)
    } finally {
      await timeline.beginWork()
    }
  }
}

function judgeOf(
  world: World,
  models: SimModels,
  tasks: ActorTasks,
  partition: number,
): ReturnType<ActorRun['judge']> {
  const usage = passedBy(world, tasks, partition)
  return [
    [
      `usage of ${partition}`,
      () => {
        const inbox = world.cluster.log(TOPICS.accountInbox, partition).committed()
        const usageBlocks = blocksOf(world, TOPICS.usageBlocks, partition)
        judgeUsage({ partition, usage, inbox, usageBlocks }, world.undecided.isUndecidable, models)
      },
    ],
    [
      `sent on from ${partition}`,
      () => {
        const other = world.cluster.log(TOPICS.usageMetered, otherPartition(partition)).committed()
        judgeSentOn(partition, usage, other)
      },
    ],
  ]
}

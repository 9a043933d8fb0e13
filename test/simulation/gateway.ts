import { usageEventsCodec } from '../../schemas/avro.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { eventId, nodesOfPartition, usageEvent } from '../support/usage-events.ts'
import { MemoryProducer } from './producer.ts'
import { commandRecord, heartbeatRecord, operatorName, reservationName } from './requests.ts'
import type { CommandEntry, EventDraft, HeartbeatEntry } from './schedule.ts'
import { PARTITIONS, TOPICS } from './services.ts'
import type { World } from './world.ts'

const NODES_MAX = 3
const RESEND_MS = 700
const SENDS_MAX = 20
const NODES = Array.from({ length: PARTITIONS }, (_, partition) =>
  nodesOfPartition(partition, PARTITIONS, NODES_MAX),
)

/** Clients that send until somebody has acknowledged: the source of events, heartbeats, commands, and of their repeats. */
export class Gateway {
  /** Records that nobody has acknowledged yet. */
  waiting = 0
  readonly #world: World
  readonly #usage: MemoryProducer
  readonly #inbox: MemoryProducer
  readonly #delay: (ms: number) => Promise<void>
  #last: Promise<void> = Promise.resolve()

  constructor(world: World, number: number) {
    this.#world = world
    const process = world.process(`gateway-${number}`)
    const retries = (): boolean => world.random.chance(0.5)
    this.#usage = new MemoryProducer(process, world.broker, TOPICS.usageMetered, retries)
    this.#inbox = new MemoryProducer(process, world.broker, TOPICS.accountInbox, retries)
    this.#delay = (ms) => process.clock.delay(ms)
  }

  send(partition: number, drafts: readonly EventDraft[]): void {
    const { startMs } = this.#world.schedule.settings
    const events = drafts.map((draft) => toEvent(draft, partition, startMs))
    this.#queue(this.#usage, partition, usageEventsCodec.encode({ events }))
  }

  sendBroken(partition: number): void {
    this.#queue(this.#usage, partition, Buffer.from('not ours'))
  }

  /** What is asked of an account goes straight into its inbox. */
  ask(entry: CommandEntry | HeartbeatEntry): void {
    const nodeId = NODES[entry.partition]?.[entry.node] ?? ''
    const value =
      entry.kind === 'command'
        ? commandRecord(nodeId, entry.command)
        : heartbeatRecord(nodeId, entry.heartbeat)
    this.#queue(this.#inbox, entry.partition, value)
  }

  /** One send at a time, as the real producer wants it. */
  #queue(producer: MemoryProducer, partition: number, value: Buffer): void {
    this.waiting++
    this.#last = this.#last.then(async () => {
      for (let sends = 0; sends < SENDS_MAX; sends++) {
        try {
          await producer.append([{ partition, key: null, value }])
          break
        } catch {
          await this.#delay(RESEND_MS)
        }
      }
      this.waiting--
    })
  }
}

function toEvent(draft: EventDraft, partition: number, startMs: number): UsageEvent {
  const { energyMwh, operator } = draft
  return usageEvent({
    event_id: eventId(draft.id),
    node_id: NODES[partition]?.[draft.node] ?? '',
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

import { usageEventCodec, usageEventsCodec } from '../../schemas/avro.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import type { Acknowledgement } from '../../pipelines/log/producer.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { eventId, nodesOfPartition, usageEvent } from '../support/usage-events.ts'
import { eventName } from '../support/usage-oracle.ts'
import { commandId, heartbeat } from '../support/inbox-requests.ts'
import { openProducer } from './producers.ts'
import type { Handed } from './receipts.ts'
import type { SimProcess } from './process.ts'
import { commandRecord, heartbeatRecord, operatorName, reservationName } from './requests.ts'
import type { CommandEntry, EventDraft, HeartbeatEntry, UndecidableEntry } from './schedule.ts'
import { PARTITIONS, TOPICS, otherPartition } from './services.ts'
import type { World } from './world.ts'

const NODES_MAX = 3
const RESEND_MS = 700
const SENDS_MAX = 20
const NODES = Array.from({ length: PARTITIONS }, (_, partition) =>
  nodesOfPartition(partition, PARTITIONS, NODES_MAX),
)

/** The name of what cannot be decided, as the tasks' decide points are told it. */
export function undecidableName({ of, partition, node, id }: UndecidableEntry): string {
  const nodeId = NODES[partition]?.[node] ?? ''
  if (of === 'command') return `${nodeId}/${commandId(id)}`
  if (of === 'event') return eventName(usageEvent({ ...idOf(id), node_id: nodeId }))
  return `${nodeId}/${heartbeat(id).heartbeat_hash.toString('hex')}`
}

/** Clients that send until somebody has acknowledged: the source of events, heartbeats, commands, and of their repeats. */
export class Gateway {
  readonly #world: World
  readonly #usage: Sender
  readonly #inbox: Sender

  constructor(world: World, number: number) {
    this.#world = world
    const process = world.process(`gateway-${number}`)
    this.#usage = new Sender(world, process, TOPICS.usageMetered)
    this.#inbox = new Sender(world, process, TOPICS.accountInbox)
  }

  /** Records that nobody has acknowledged yet. */
  get waiting(): number {
    return this.#usage.waiting + this.#inbox.waiting
  }

  /** A record for the partition: of its own nodes, and of the other partition's where the sender partitions otherwise. */
  send(partition: number, drafts: readonly EventDraft[], strays: readonly EventDraft[] = []): void {
    const { startMs } = this.#world.schedule.settings
    const own = drafts.map((draft) => toEvent(draft, partition, startMs))
    const foreign = strays.map((draft) => toEvent(draft, otherPartition(partition), startMs))
    if (own.length > 0) {
      this.#usage.send(partition, usageEventsCodec.encode({ events: [...foreign, ...own] }))
      return
    }
    // A serializer writes one event a record.
    for (const event of foreign) this.#usage.send(partition, usageEventCodec.encode(event))
  }

  sendBroken(partition: number): void {
    this.#usage.send(partition, Buffer.from('not ours'))
  }

  /** What is asked of an account goes straight into its inbox. */
  ask(entry: CommandEntry | HeartbeatEntry): void {
    const nodeId = NODES[entry.partition]?.[entry.node] ?? ''
    const value =
      entry.kind === 'command'
        ? commandRecord(nodeId, entry.command)
        : heartbeatRecord(nodeId, entry.heartbeat)
    this.#inbox.send(entry.partition, value)
  }
}

interface Waiting {
  readonly partition: number
  readonly value: Buffer
  sends: number
}

/** What comes while its partition's send is under way goes together with the next; a partition waits for no other. */
class Sender {
  waiting = 0
  readonly #world: World
  readonly #process: SimProcess
  readonly #topic: string
  readonly #producer: IdempotentProducer
  readonly #busy = new Set<number>()
  #queue: Waiting[] = []

  constructor(world: World, process: SimProcess, topic: string) {
    this.#world = world
    this.#process = process
    this.#topic = topic
    this.#producer = openProducer(world, process, topic)
  }

  send(partition: number, value: Buffer): void {
    this.waiting++
    this.#queue.push({ partition, value, sends: 0 })
    this.#sendFree()
  }

  /** All that waits for partitions without a send under way, in one send. */
  #sendFree(): void {
    const { receipts } = this.#world
    const topic = this.#topic
    const sent = this.#queue.filter(({ partition }) => !this.#busy.has(partition))
    if (sent.length === 0) return
    this.#queue = this.#queue.filter(({ partition }) => this.#busy.has(partition))
    // Bytes of their own for each send: a copy that comes by another send is the clients' repeat, and no defect.
    const records = sent.map(({ partition, value }) => ({
      topic,
      partition,
      key: null,
      value: Buffer.from(value),
    }))
    receipts.handed(records)
    for (const [partition, acknowledged] of this.#producer.appendEach(records)) {
      this.#busy.add(partition)
      const isOfPartition = (one: { readonly partition: number }): boolean => one.partition === partition
      void this.#settle(sent.filter(isOfPartition), records.filter(isOfPartition), acknowledged)
    }
  }

  async #settle(
    sent: readonly Waiting[],
    records: readonly Handed[],
    acknowledged: Promise<Acknowledgement>,
  ): Promise<void> {
    const { receipts } = this.#world
    const [first] = sent
    try {
      const { baseOffset } = await acknowledged
      receipts.acknowledged(
        records,
        records.map((_, index) => (baseOffset < 0n ? baseOffset : baseOffset + BigInt(index))),
      )
      this.waiting -= sent.length
    } catch (error) {
      if (error instanceof ProduceError && !error.mayBeStored) receipts.notStored(records)
      await this.#process.clock.delay(RESEND_MS)
      const again = sent.filter((waiting) => ++waiting.sends < SENDS_MAX)
      this.waiting -= sent.length - again.length
      this.#queue.unshift(...again)
    }
    if (first !== undefined) this.#busy.delete(first.partition)
    this.#sendFree()
  }
}

/** Some ids are texts, and their producers say bytes beside them that say nothing. */
function idOf(id: number): Pick<UsageEvent, 'event_id' | 'event_text'> {
  return { event_id: eventId(id), event_text: id % 5 === 3 ? `order ${id}` : null }
}

function toEvent(draft: EventDraft, partition: number, startMs: number): UsageEvent {
  const { energyMwh, operator } = draft
  return usageEvent({
    ...idOf(draft.id),
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

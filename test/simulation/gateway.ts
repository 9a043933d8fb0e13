import { ProduceError } from '../../pipelines/log/producer.ts'
import type { Acknowledgement } from '../../pipelines/log/producer.ts'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { openProducer } from './world/producers.ts'
import type { Handed } from './world/receipts.ts'
import type { SimProcess } from './world/process.ts'
import type { World } from './world/world.ts'

const RESEND_MS = 700
const SENDS_MAX = 20

/** Clients that send each record until a broker has acknowledged it: the source of all records, and of their repeats. */
export class Gateway {
  readonly #world: World
  readonly #process: SimProcess
  readonly #senders = new Map<string, Sender>()

  constructor(world: World, number: number) {
    this.#world = world
    this.#process = world.process(`gateway-${number}`)
  }

  /** Records that no broker has acknowledged yet. */
  get waiting(): number {
    return [...this.#senders.values()].reduce((total, { waiting }) => total + waiting, 0)
  }

  send(topic: string, partition: number, value: Buffer, key: string | null = null): void {
    let sender = this.#senders.get(topic)
    if (sender === undefined) {
      sender = new Sender(this.#world, this.#process, topic)
      this.#senders.set(topic, sender)
    }
    sender.send(partition, key, value)
  }
}

interface Waiting {
  readonly partition: number
  readonly key: string | null
  readonly value: Buffer
  sends: number
}

/**
 * Records that come while a send of their partition is under way go together in the next; a partition waits for no other.
 */
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

  send(partition: number, key: string | null, value: Buffer): void {
    this.waiting++
    this.#queue.push({ partition, key, value, sends: 0 })
    this.#sendFree()
  }

  /** Puts all waiting records of partitions without a send under way into one send. */
  #sendFree(): void {
    const { receipts } = this.#world
    const topic = this.#topic
    const sent = this.#queue.filter(({ partition }) => !this.#busy.has(partition))
    if (sent.length === 0) return
    this.#queue = this.#queue.filter(({ partition }) => this.#busy.has(partition))
    // Each send gets bytes of its own: a copy that comes with another send is the clients' repeat, and no defect.
    const records = sent.map(({ partition, key, value }) => ({
      topic,
      partition,
      key,
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

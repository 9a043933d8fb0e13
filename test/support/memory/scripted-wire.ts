import { Unanswered } from '../../../pipelines/kafka/produce/wire.ts'
import type {
  Answer,
  BrokerId,
  Place,
  PlaceAnswer,
  ProduceBatch,
  ProducerIdentity,
  ProduceWire,
  TransactionIdentity,
} from '../../../pipelines/kafka/produce/wire.ts'

/** The wire's answers to requests; the test decides by the request. */
export interface Script {
  produce?: (broker: BrokerId, batches: readonly ProduceBatch[], count: number) => Promise<PlaceAnswer[]>
  /** "Init", "Add" or "End", with the coordinator; returns the name of an error, or null. Throws `Unanswered`. */
  coordinator?: (request: string, broker: BrokerId, count: number) => Promise<string | null>
  /** The leader of a partition after this number of requests for leaders. */
  leader?: (place: Place, lookUps: number) => BrokerId | null
  findCoordinator?: (count: number) => BrokerId
}

/** Answers that the batch is in the log at its first number. */
export const taken = ({ topic, partition, baseSequence }: ProduceBatch): PlaceAnswer => ({
  topic,
  partition,
  error: null,
  baseOffset: BigInt(baseSequence),
  logAppendTimeMs: 1_000,
})

export const refused = (batch: ProduceBatch, error: string): PlaceAnswer => ({ ...taken(batch), error })

/** A request that is never answered. */
export const silence = <T>(): Promise<T> => new Promise<T>(() => {})

/** A cluster that answers as a test says: at once and without an error where the test says nothing. */
export class ScriptedWire implements ProduceWire {
  readonly produced: { readonly broker: BrokerId; readonly batches: readonly ProduceBatch[] }[] = []
  /** Requests to the coordinator, in order: "Init 1", "Add 1 usage.blocks/0", "End 1". */
  readonly coordinated: string[] = []
  isClosed = false
  readonly #script: Script
  #leadersAsked = 0
  #coordinatorsAsked = 0
  #nextProducerId = 1n

  constructor(script: Script = {}) {
    this.#script = script
  }

  get leadersAsked(): number {
    return this.#leadersAsked
  }

  leaderOf(place: Place): BrokerId | null {
    if (this.#leadersAsked === 0) return null
    return this.#script.leader === undefined ? 1 : this.#script.leader(place, this.#leadersAsked)
  }

  async refreshLeaders(): Promise<void> {
    this.#leadersAsked += 1
  }

  async produce(broker: BrokerId, batches: readonly ProduceBatch[]): Promise<PlaceAnswer[]> {
    this.produced.push({ broker, batches })
    return (await this.#script.produce?.(broker, batches, this.produced.length)) ?? batches.map(taken)
  }

  async findCoordinator(): Promise<Answer<BrokerId>> {
    this.#coordinatorsAsked += 1
    return { error: null, value: this.#script.findCoordinator?.(this.#coordinatorsAsked) ?? 1 }
  }

  async initProducer(): Promise<Answer<ProducerIdentity>> {
    return { error: null, value: { producerId: this.#nextProducerId++, epoch: 0 } }
  }

  async initTransactions(coordinator: BrokerId): Promise<Answer<ProducerIdentity>> {
    const error = await this.#ask('Init', coordinator, '')
    return error === null ? { error, value: { producerId: 9n, epoch: 3 } } : { error }
  }

  async addPartitions(
    coordinator: BrokerId,
    _transaction: TransactionIdentity,
    places: readonly Place[],
  ): Promise<Answer<null>> {
    const added = places.map(({ topic, partition }) => ` ${topic}/${partition}`).join('')
    const error = await this.#ask('Add', coordinator, added)
    return error === null ? { error, value: null } : { error }
  }

  async commitTransaction(coordinator: BrokerId): Promise<Answer<null>> {
    const error = await this.#ask('End', coordinator, '')
    return error === null ? { error, value: null } : { error }
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  async #ask(request: string, broker: BrokerId, detail: string): Promise<string | null> {
    this.coordinated.push(`${request} ${broker}${detail}`)
    return (await this.#script.coordinator?.(request, broker, this.coordinated.length)) ?? null
  }
}

/** Silence until the request's own timeout, in the form in which an adapter reports it. */
export async function unanswered(wasSent: boolean): Promise<never> {
  throw new Unanswered('no answer', wasSent)
}

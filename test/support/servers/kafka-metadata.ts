import { ask, text, int32 } from './kafka-wire.ts'

/** What a Kafka cluster reports about itself: it comes from any broker that answers, without a client that caches it. */

const METADATA = { key: 3, version: 6 } as const
const FIND_COORDINATOR = { key: 10, version: 1 } as const
const DESCRIBE_QUORUM = { key: 55, version: 0 } as const
const ALL_TOPICS = -1
const ANSWER_TIMEOUT_MS = 1_500
const COORDINATOR_KIND = { group: 0, transaction: 1 } as const
const QUORUM_TOPIC = '__cluster_metadata'

/** One partition and the brokers that have it, by node id; `leader` is -1 where there is none. */
export interface PartitionPlace {
  readonly topic: string
  readonly partition: number
  readonly leader: number
  readonly replicas: readonly number[]
  readonly insync: readonly number[]
}

/** What one broker knows about its cluster. */
export interface ClusterPicture {
  /** `host:port` by node id, of the brokers that the cluster regards as alive. */
  readonly brokers: ReadonlyMap<number, string>
  readonly partitions: readonly PartitionPlace[]
}

/** Reads an answer from its beginning. */
class Answer {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int8(): number {
    return this.#bytes.readInt8(this.#forward(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#forward(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#forward(4))
  }

  text(): string {
    const length = this.int16()
    if (length < 0) return ''
    const at = this.#forward(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  /** An unsigned number of seven bits a byte. */
  varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#forward(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  skip(bytes: number): void {
    this.#forward(bytes)
  }

  list<Item>(read: () => Item): Item[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read)
  }

  #forward(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    return at
  }
}

/** Sends the request to one broker after the other until one answers. Rejects with the error of the last where none does. */
async function askAny<Result>(
  brokers: readonly string[],
  askOne: (broker: string) => Promise<Result>,
): Promise<Result> {
  let last: unknown = new Error('no broker to ask')
  for (const broker of brokers) {
    try {
      return await askOne(broker)
    } catch (error) {
      last = error
    }
  }
  throw last
}

/** Brokers, and all partitions of the topics for which `isWanted` is true. */
export function clusterPicture(
  brokers: readonly string[],
  isWanted: (topic: string) => boolean = () => true,
): Promise<ClusterPicture> {
  return askAny(brokers, async (broker) => {
    const body = Buffer.concat([int32(ALL_TOPICS), Buffer.from([0])])
    const answer = new Answer(await ask(broker, METADATA, body, ANSWER_TIMEOUT_MS))
    answer.int32()
    const alive = answer.list(() => {
      const id = answer.int32()
      const address = `${answer.text()}:${answer.int32()}`
      answer.text()
      return [id, address] as const
    })
    answer.text()
    answer.int32()
    const partitions = answer.list(() => {
      answer.int16()
      const topic = answer.text()
      answer.int8()
      return answer.list(() => readPlace(answer, topic))
    })
    return { brokers: new Map(alive), partitions: partitions.flat().filter(({ topic }) => isWanted(topic)) }
  })
}

function readPlace(answer: Answer, topic: string): PartitionPlace {
  answer.int16()
  const partition = answer.int32()
  const leader = answer.int32()
  const [replicas, insync] = [answer.list(() => answer.int32()), answer.list(() => answer.int32())]
  answer.list(() => answer.int32())
  return { topic, partition, leader, replicas, insync }
}

/** The address of a partition's leader. Rejects where it has none. */
export async function leaderOf(
  brokers: readonly string[],
  topic: string,
  partition: number,
): Promise<string> {
  const picture = await clusterPicture(brokers, (name) => name === topic)
  const place = picture.partitions.find((one) => one.partition === partition)
  const address = picture.brokers.get(place?.leader ?? -1)
  if (address === undefined) throw new Error(`${topic}[${partition}] has no leader`)
  return address
}

/** Node id and address of the broker that coordinates a group or a transactional id. Rejects where there is none. */
export function coordinatorOf(
  brokers: readonly string[],
  kind: keyof typeof COORDINATOR_KIND,
  name: string,
): Promise<{ readonly nodeId: number; readonly address: string }> {
  return askAny(brokers, async (broker) => {
    const body = Buffer.concat([text(name), Buffer.from([COORDINATOR_KIND[kind]])])
    const answer = new Answer(await ask(broker, FIND_COORDINATOR, body, ANSWER_TIMEOUT_MS))
    answer.int32()
    const error = answer.int16()
    answer.text()
    if (error !== 0) throw new Error(`FindCoordinator of ${name}: error ${error}`)
    const nodeId = answer.int32()
    return { nodeId, address: `${answer.text()}:${answer.int32()}` }
  })
}

/** Node id of the active controller: the leader of the metadata log. (Metadata names any broker for it.) */
export function controllerOf(brokers: readonly string[]): Promise<number> {
  return askAny(brokers, async (broker) => {
    const name = Buffer.from(QUORUM_TOPIC)
    // Compact lists and texts have their length plus one in front; a 0 means that there are no tagged fields.
    const body = [Buffer.from([2, name.length + 1]), name, Buffer.from([2]), int32(0), Buffer.from([0, 0, 0])]
    const answer = new Answer(
      await ask(broker, DESCRIBE_QUORUM, Buffer.concat(body), ANSWER_TIMEOUT_MS, true),
    )
    answer.varint()
    const error = answer.int16()
    if (error !== 0) throw new Error(`DescribeQuorum: error ${error}`)
    answer.varint()
    answer.skip(answer.varint() - 1)
    answer.varint()
    answer.int32()
    const partitionError = answer.int16()
    if (partitionError !== 0) throw new Error(`DescribeQuorum: error ${partitionError}`)
    return answer.int32()
  })
}

import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { systemClock } from '../../../clock.ts'
import type { DecodedRecord } from './decode-batch.ts'
import { FetchHolding, UnpackRoom } from '../../unpack-room.ts'

/**
 * Which consumer's fetch is being decoded, and how long it holds its room. kafkajs fetches again from a broker only when
 * all records of the previous fetch are handled, so that fetch is released then; all fetches of a consumer are released
 * when it leaves its group.
 */

/** What this file wraps of `kafkajs/src/consumer/consumerGroup.js` (2.2.4, pinned). */
interface ConsumerGroup {
  fetch: (this: ConsumerGroup, nodeId: number) => Promise<unknown>
  leave: (this: ConsumerGroup) => Promise<void>
  getNodeIds: () => readonly number[]
}

/** From `kafkajs/src/broker/index.js`. */
interface Broker {
  fetch: (this: Broker, request: FetchRequest) => Promise<FetchAnswer>
}

interface FetchRequest {
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[]
  }[]
}

interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string
    readonly partitions: readonly {
      readonly partition: number
      readonly messages: readonly DecodedRecord[]
    }[]
  }[]
}

/** One for the process, since its memory is shared. */
const room = new UnpackRoom(systemClock)
const current = new AsyncLocalStorage<FetchHolding>()
const holdings = new WeakMap<ConsumerGroup, Map<number, FetchHolding>>()

/** The holding of the fetch that is being decoded; a separate one where something decodes without a consumer. */
export function holdingHere(): FetchHolding {
  return current.getStore() ?? new FetchHolding(new UnpackRoom(systemClock))
}

const require = createRequire(import.meta.url)

const group = (require('kafkajs/src/consumer/consumerGroup.js') as { prototype: ConsumerGroup }).prototype
const { fetch, leave } = group
group.fetch = async function fetchHolding(nodeId) {
  const ofGroup = holdings.get(this) ?? new Map<number, FetchHolding>()
  holdings.set(this, ofGroup)
  // Nothing is fetched again from a broker that left the cluster.
  const nodeIds = this.getNodeIds()
  for (const [id, holding] of ofGroup) {
    if (id !== nodeId && nodeIds.includes(id)) continue
    holding.release()
    ofGroup.delete(id)
  }
  const holding = new FetchHolding(room)
  ofGroup.set(nodeId, holding)
  return await current.run(holding, () => fetch.call(this, nodeId))
}
group.leave = async function leaveHoldingNothing() {
  for (const holding of holdings.get(this)?.values() ?? []) holding.release()
  holdings.delete(this)
  await leave.call(this)
}

const broker = (require('kafkajs/src/broker/index.js') as { prototype: Broker }).prototype
const fetchOf = broker.fetch
let turn = 0
broker.fetch = async function fetchInTurns(request) {
  turn++
  const answer = await fetchOf.call(this, inTurn(request, turn))
  for (const { topicName, partitions } of answer.responses) {
    const asked = request.topics.find(({ topic }) => topic === topicName)?.partitions
    for (const { partition, messages } of partitions) {
      const from = asked?.find((one) => one.partition === partition)?.fetchOffset
      if (from !== undefined) beginAt(messages, BigInt(from))
    }
  }
  return answer
}

/** The partitions that a full holding leaves to the next fetch must not always be the same. */
export function inTurn(request: FetchRequest, by: number): FetchRequest {
  const turned = <T>(list: readonly T[]): T[] => {
    const at = list.length === 0 ? 0 : by % list.length
    return [...list.slice(at), ...list.slice(0, at)]
  }
  return {
    ...request,
    topics: turned(request.topics).map(({ topic, partitions }) => ({
      topic,
      partitions: turned(partitions),
    })),
  }
}

/**
 * The fetch began at an offset within a batch that cannot be read: the batch must begin there, or it would be skipped
 * without a trace.
 */
export function beginAt(records: readonly DecodedRecord[], from: bigint): void {
  for (const record of records) {
    const { unreadable, offset } = record
    if (unreadable === undefined || BigInt(offset) >= from || unreadable.lastOffset < from) continue
    record.offset = from.toString()
  }
}

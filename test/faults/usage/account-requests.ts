import type { Dice } from '../../../infra/local/sample/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { inboxCommandCodec, inboxHeartbeatCodec } from '../../../schemas/avro.ts'
import { formatUuid, partitionOfNode } from '../../../schemas/ids.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { InboxCommand } from '../../../schemas/records.ts'
import type { Setting } from '../../../schemas/settings.ts'
import { command, heartbeat } from '../../support/records/inbox-requests.ts'
import type { Installation } from '../../support/processes/installation.ts'
import type { RequestAttempt, History } from './history.ts'
import { reservationAt } from './reservations.ts'

const PAUSE_MS = 300
const HEARTBEAT_SHARE = 0.4
const RESERVATION_MS = 20_000

/** Requests that wait to be sent again. */
const AGAIN_MAX = 100

/** A record of account.inbox and what the history records about it. */
interface Request {
  readonly value: Buffer
  readonly entry: Omit<RequestAttempt, 'outcome' | 'at'>
  /** Sent again where the outcome is not known: a reservation would be made twice once its first outcome is forgotten. */
  readonly isSentAgain: boolean
}

/**
 * A modest stream of heartbeats, settings, reservations, releases and settlements, appended to account.inbox as reader
 * and gateway do. A request that Kafka is not known to have taken is sent again under its id.
 */
export class AccountRequests {
  readonly #producer: IdempotentProducer
  readonly #history: History
  readonly #nodes: readonly string[]
  readonly #dice: Dice
  readonly #partitions: number
  readonly #reserved = new Set<string>()
  #again: Request[] = []

  /** The requests are about `nodes`; the others keep their defaults. */
  constructor(
    { kafka, topics, partitions }: Installation,
    given: { readonly history: History; readonly nodes: readonly string[]; readonly dice: Dice },
  ) {
    this.#producer = new IdempotentProducer({ ...kafka, topic: topics.accountInbox, metrics: noMetrics })
    this.#partitions = partitions
    this.#history = given.history
    this.#nodes = given.nodes
    this.#dice = given.dice
  }

  /** Sends one request after the other until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#send(this.#again.shift() ?? this.#fresh())
      await systemClock.delay(PAUSE_MS, signal)
    }
  }

  /** Sends waiting requests again, until all were taken or `timeoutMs` have passed. */
  async settle(timeoutMs: number): Promise<void> {
    const deadlineMs = systemClock.monotonicMs() + timeoutMs
    for (let next = this.#again.shift(); next !== undefined; next = this.#again.shift()) {
      if (systemClock.monotonicMs() > deadlineMs)
        throw new Error(`${this.#again.length + 1} requests were not taken within ${timeoutMs} ms`)
      await this.#send(next)
    }
  }

  async stop(): Promise<void> {
    await this.#producer.stop()
  }

  async #send(request: Request): Promise<void> {
    const { entry, value } = request
    const at = systemClock.nowMs()
    const partition = partitionOfNode(entry.node, this.#partitions)
    try {
      await this.#producer.append([{ partition, key: entry.node, value }])
      this.#history.addRequest({ ...entry, at, outcome: 'accepted' })
    } catch {
      this.#history.addRequest({ ...entry, at, outcome: 'unknown' })
      if (request.isSentAgain && this.#again.length < AGAIN_MAX) this.#again.push(request)
    }
  }

  #fresh(): Request {
    const node = this.#dice.pick(this.#nodes)
    if (this.#dice.next() < HEARTBEAT_SHARE) return this.#heartbeat(node)
    const reservation_id = reservationAt(systemClock.nowMs())
    const slot = `${node} ${reservation_id}`
    const dice = this.#dice.next()
    if (dice < 0.4) return this.#command(node, { kind: 'settings', changes: [this.#setting()] })
    if (dice < 0.75 && !this.#reserved.has(slot)) {
      this.#reserved.add(slot)
      const cost_nano_usd = this.#dice.between(1_000_000, 30_000_000)
      return this.#command(node, { kind: 'reserve', reservation_id, cost_nano_usd, ttl_ms: RESERVATION_MS })
    }
    if (dice < 0.85) return this.#command(node, { kind: 'release', reservation_id })
    return this.#command(node, { kind: 'settle' })
  }

  #setting(): Setting {
    const dice = this.#dice
    const chance = dice.next()
    if (chance < 0.6)
      return {
        name: 'metered_daily_limit_usd',
        value: dice.pick([0, null, 20_000_000, 300_000_000, 5_000_000_000]),
      }
    if (chance < 0.8) return { name: 'min_settlement_spark', value: dice.pick([0, 10, 50, 500]) }
    return { name: 'auto_settle', value: dice.next() < 0.7 }
  }

  #command(node: string, fields: Partial<InboxCommand> & Pick<InboxCommand, 'kind'>): Request {
    const id = systemRandom.bytes(16)
    const { kind } = fields
    const body = command(kind, { ...fields, command_id: formatUuid(id), node_id: node })
    return {
      value: inboxCommandCodec.encode(body),
      entry: { node, id: id.toString('hex'), kind, reservation: body.reservation_id, impressions: 0 },
      isSentAgain: kind !== 'reserve' && kind !== 'release',
    }
  }

  #heartbeat(node: string): Request {
    const heartbeat_hash = systemRandom.bytes(8)
    const ad_impressions = this.#dice.pick([0, 0, 3, 40])
    const agent_count = this.#dice.pick([0, 9, 12, 60])
    const body = heartbeat(0, { node_id: node, heartbeat_hash, ad_impressions, agent_count })
    const id = heartbeat_hash.toString('hex')
    return {
      value: inboxHeartbeatCodec.encode(body),
      entry: { node, id, kind: 'heartbeat', reservation: null, impressions: ad_impressions },
      isSentAgain: true,
    }
  }
}

import { seededDice } from '../../../infra/local/sample/random.ts'
import type { Dice } from '../../../infra/local/sample/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { nodesOf } from '../../support/records/produce.ts'
import { until } from '../../support/until.ts'
import { InventoryWork } from './inventory-work.ts'
import type { RunningWork, Workload, WorkParts } from '../harness/workload.ts'

/** A batch of each node about once a second: far more often than nodes send, and not so often that it is the load of the run. */
const PAUSE_MS = 300
const REPEAT_SHARE = 0.1
/** Of the batches, so many are followed by a change of the provider's inventory, and so many of these come again. */
const CHANGE_SHARE = 0.3
const SAMPLES = 20
const ARRIVES_MS_MAX = 180_000
const ANSWER_MS_MAX = 10_000

/** A batch that was sent, and may be sent again. */
interface Sent {
  readonly key: string
  readonly firstSeq: number
  readonly body: string
}

interface Found {
  readonly provider_id: string
  readonly seqs: string
  readonly rows: string
  readonly watts: string
}

/**
 * Nodes of hosting providers, and who changes their inventories: each batch is sent until a gateway has taken it, and now
 * and then once more.
 */
export const fleetWork: Workload = { start: (parts) => new FleetWork(parts) }

class FleetWork implements RunningWork {
  readonly #parts: WorkParts
  readonly #dice: Dice
  /** What each provider's one node sent: its samples, and their watts, which are whole. */
  readonly #sent = new Map<string, { samples: number; watts: number }>()
  readonly #recent: Sent[] = []
  readonly #inventory: InventoryWork
  readonly #over = new AbortController()
  readonly #running: Promise<void>
  #turn = 0

  constructor(parts: WorkParts) {
    this.#parts = parts
    this.#dice = seededDice(parts.seed)
    this.#inventory = new InventoryWork(parts.fleet.installation)
    this.#running = this.#run()
  }

  async recover(): Promise<void> {
    const probes = await Promise.all(this.#providers().map((provider) => this.#send(this.#fresh(provider))))
    const places = probes.map(({ key, firstSeq }) => `(provider_id = '${key}' AND seq >= ${firstSeq})`)
    await this.#untilRows(places.join(' OR '), probes.length * SAMPLES)
  }

  async finish(): Promise<void> {
    this.#over.abort()
    await this.#running
    await this.#untilRows(
      'true',
      [...this.#sent.values()].reduce((total, { samples }) => total + samples, 0),
    )
    await this.#inventory.arrive()
  }

  abort(): void {
    this.#over.abort()
  }

  async stop(): Promise<void> {
    await this.#inventory.stop()
  }

  async judge(): Promise<readonly string[]> {
    const { clickhouse } = this.#parts.fleet.installation
    const rows = await clickhouse.rows<Found>(
      `SELECT provider_id, uniqExact(epoch, seq) AS seqs, count() AS rows, sum(toInt128(power_w)) AS watts
       FROM fleet_samples GROUP BY provider_id`,
    )
    const found = new Map(rows.map((row) => [row.provider_id, row]))
    const wrong = [...this.#sent].flatMap(([provider, { samples, watts }]) => {
      const row = found.get(provider)
      const isRight =
        Number(row?.seqs) === samples && Number(row?.rows) === samples && Number(row?.watts) === watts
      return isRight
        ? []
        : [`the fleet of ${provider}: ${samples} samples, ${watts} W; found ${JSON.stringify(row)}`]
    })
    const samples = [...this.#sent.values()].reduce((total, one) => total + one.samples, 0)
    wrong.push(...(await this.#inventory.judge()))
    this.#parts.say(
      `fleet: ${samples} samples of ${this.#sent.size} providers, ${this.#inventory.told()}, ${wrong.length} differences`,
    )
    return wrong
  }

  async #run(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      const provider = this.#dice.pick(this.#providers())
      await this.#send(this.#fresh(provider))
      if (this.#dice.next() < CHANGE_SHARE) await this.#inventory.add(provider)
      if (this.#dice.next() < CHANGE_SHARE * REPEAT_SHARE) await this.#inventory.again(provider)
      if (this.#dice.next() < REPEAT_SHARE) await this.#send(this.#dice.pick(this.#recent))
      await systemClock.delay(PAUSE_MS, signal)
    }
  }

  /** One of each partition. */
  #providers(): string[] {
    const { partitions } = this.#parts.fleet.installation
    return Array.from({ length: partitions }, (_, partition) => nodesOf(partition, partitions, 1)).flat()
  }

  #fresh(provider: string): Sent {
    const sum = this.#sent.get(provider) ?? { samples: 0, watts: 0 }
    const firstSeq = sum.samples + 1
    const items = Array.from({ length: SAMPLES }, (_, index) => {
      const power_w = this.#dice.between(0, 5_000)
      sum.watts += power_w
      const serial = `HM-${index}`
      return { sample: { observed_at: systemClock.nowMs(), serial, power_w, power_source: 'miner' } }
    })
    sum.samples += SAMPLES
    this.#sent.set(provider, sum)
    const names = { provider_id: provider, location_id: 'site', node_id: 'agent', epoch: 1 }
    const low = { epoch: 1, seq: 1 }
    const batch = { ...names, first_seq: firstSeq, lane: 'live', low, interval_s: 30, items }
    const sent = { key: provider, firstSeq, body: JSON.stringify(batch) }
    this.#recent.push(sent)
    if (this.#recent.length > 100) this.#recent.shift()
    return sent
  }

  /** Sends it, to one gateway after the other, until one says that the log has it. */
  async #send(sent: Sent): Promise<Sent> {
    const gateways = this.#parts.fleet.of('gateway')
    await until('a gateway to take a batch of the fleet', ARRIVES_MS_MAX, async () => {
      const { url } = gateways[this.#turn++ % 2] ?? gateways[0]
      try {
        const answer = await fetch(`${url}/v1/fleet/telemetry`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: sent.body,
          signal: AbortSignal.timeout(ANSWER_MS_MAX),
        })
        const text = await answer.text()
        if (answer.status !== 202 && answer.status !== 503) throw new Error(`${answer.status} ${text}`)
        return answer.status === 202
      } catch (error) {
        if (error instanceof Error && /^4\d\d /.test(error.message)) throw error
        // The gateway is away: the run is made for that.
        return false
      }
    })
    return sent
  }

  async #untilRows(where: string, samples: number): Promise<void> {
    const { installation } = this.#parts.fleet
    let found = 0
    await until(
      `${samples} samples of the fleet to be there`,
      ARRIVES_MS_MAX,
      async () => {
        try {
          const row = await installation.row<{ samples: string }>(
            `SELECT count() AS samples FROM fleet_samples WHERE ${where}`,
          )
          found = Number(row.samples)
        } catch {
          // ClickHouse is away: the run is made for that.
        }
        return found >= samples
      },
      () => `${found} are`,
    )
  }
}

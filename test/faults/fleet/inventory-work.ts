import { systemClock } from '../../../pipelines/clock.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { ProduceError } from '../../../pipelines/log/producer.ts'
import { inventoryCommandCodec } from '../../../schemas/fleet/inventory/codecs.ts'
import type { InventoryCommand } from '../../../schemas/fleet/inventory/records.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { inventoryCommand } from '../../support/records/inventory/inventory-commands.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { until } from '../../support/until.ts'

const ARRIVES_MS_MAX = 180_000

interface Found {
  readonly provider_id: string
  readonly rows: string
  readonly entities: string
}

/** Changes to the inventories of providers: each is written to the log until it is there, and now and then once more. */
export class InventoryWork {
  readonly #installation: Installation
  readonly #producer: IdempotentProducer
  /** What each provider was given, in its order. */
  readonly #sent = new Map<string, InventoryCommand[]>()

  constructor(installation: Installation) {
    this.#installation = installation
    const { kafka, topics } = installation
    this.#producer = new IdempotentProducer({ ...kafka, topic: topics.fleetInbox, metrics: noMetrics })
  }

  /** Gives a provider one machine more. */
  async add(provider_id: string): Promise<void> {
    const sent = this.#sent.get(provider_id) ?? []
    this.#sent.set(provider_id, sent)
    const entity_id = `worker-${sent.length}`
    const command = inventoryCommand({
      provider_id,
      entity: 'worker',
      entity_id,
      body: { asset_code: entity_id },
    })
    sent.push(command)
    await this.#write(command)
  }

  /** Sends a provider's last change again: a repeat. */
  async again(provider_id: string): Promise<void> {
    const last = this.#sent.get(provider_id)?.at(-1)
    if (last !== undefined) await this.#write(last)
  }

  /** Waits until every change is a row. */
  async arrive(): Promise<void> {
    const changes = this.#count()
    await until(`${changes} changes of inventories to be there`, ARRIVES_MS_MAX, async () => {
      try {
        const row = await this.#installation.row<{ rows: string }>(
          `SELECT count() AS rows FROM fleet_versions`,
        )
        return Number(row.rows) >= changes
      } catch {
        // ClickHouse is away: the run is made for that.
        return false
      }
    })
  }

  /** What is wrong with the rows of versions and commands: each change must be one of either. */
  async judge(): Promise<readonly string[]> {
    const { clickhouse } = this.#installation
    const wrong: string[] = []
    for (const table of ['fleet_versions', 'fleet_commands']) {
      const rows = await clickhouse.rows<Found>(
        `SELECT provider_id, count() AS rows, uniqExact(entity_id) AS entities FROM ${table} GROUP BY provider_id`,
      )
      const found = new Map(rows.map((row) => [row.provider_id, row]))
      for (const [provider, sent] of this.#sent) {
        const row = found.get(provider)
        if (Number(row?.rows) === sent.length && Number(row?.entities) === sent.length) continue
        wrong.push(`${table} of ${provider}: ${sent.length} changes; found ${JSON.stringify(row)}`)
      }
    }
    return wrong
  }

  /** How many changes there were, in words. */
  told(): string {
    return `${this.#count()} changes of inventories`
  }

  async stop(): Promise<void> {
    await this.#producer.stop()
  }

  #count(): number {
    return [...this.#sent.values()].reduce((total, { length }) => total + length, 0)
  }

  async #write(command: InventoryCommand): Promise<void> {
    const { provider_id } = command
    const partition = partitionOfNode(provider_id, this.#installation.partitions)
    const record = { partition, key: provider_id, value: inventoryCommandCodec.encode(command) }
    await until('the log to take a change of an inventory', ARRIVES_MS_MAX, async () => {
      try {
        await this.#producer.append([record])
        return true
      } catch (error) {
        if (!(error instanceof ProduceError)) throw error
        // It may be stored all the same; sent again it is a repeat.
        await systemClock.delay(100)
        return false
      }
    })
  }
}

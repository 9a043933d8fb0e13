import { STATE_KEY } from '../../../schemas/avro.ts'
import type { InstallationModels } from '../../../services/models/follow-models.ts'
import { KnownModels } from '../../../services/models/known-models.ts'
import type { KnownTable } from '../../../services/models/known-models.ts'
import { decideWrite, versionRecords } from '../../../services/models/write-models.ts'
import type { TableRequest, WriteOutcome } from '../../../services/models/write-models.ts'

/** hivemeter.models in memory, for readers without Kafka: every write is decided and read back as in the log. */
export class MemoryModels implements InstallationModels {
  readonly loaded = true
  readonly known = new KnownModels()
  /** Thrown by the next write, after which the log is as it was. */
  fails: Error | null = null
  /** Called before a write is decided, for a test that delays it. */
  held: Promise<void> = Promise.resolve()
  #offset = 0n
  #nowMs = Date.UTC(2026, 0, 1)

  async newest(): Promise<KnownTable> {
    return this.known.newest
  }

  async write(asked: TableRequest): Promise<WriteOutcome> {
    await this.held
    const { fails } = this
    this.fails = null
    if (fails !== null) throw fails
    this.#append(STATE_KEY.fence, null)
    const outcome = decideWrite(this.known.newest.table, asked)
    if (outcome.become !== 'written') return outcome
    for (const { key, value } of versionRecords('hivemeter.models', outcome.version, asked))
      this.#append(key ?? '', value)
    return outcome
  }

  #append(key: string, value: Buffer | null): void {
    this.known.apply({
      key: Buffer.from(key),
      value,
      timestampMs: (this.#nowMs += 1_000),
      offset: this.#offset++,
    })
  }
}

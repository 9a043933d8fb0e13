import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import type { LogProducer } from '../../pipelines/log/producer.ts'
import { Problem } from '../http/problem.ts'
import { unavailable } from '../http/refusal.ts'
import { replay } from '../replay/replay.ts'
import type { ReplayCounts } from '../replay/replay.ts'
import { RETRY_BUSY_S, retryAfter } from '../http/retry-after.ts'

export interface PutBackParts {
  /** Producer of usage.metered. */
  readonly producer: LogProducer
  readonly meteredTopic: string
  /** Its names in all versions: a record that came in by a version that ended is put back into the one in force. */
  readonly meteredTopics: ReadonlySet<string>
  readonly partitions: number
  readonly idKey: Buffer
}

/** Puts events that were set aside back into usage.metered, for admins: one record at a time in a process. */
export class PutBack {
  readonly #parts: PutBackParts
  readonly #stopping = new AbortController()
  #isBusy = false

  constructor(parts: PutBackParts) {
    this.#parts = parts
  }

  /** `id` is topic/partition/offset. Throws a Problem where another one is under way, or the log takes nothing. */
  async letter(
    client: ClickhouseClient,
    id: string,
  ): Promise<ReplayCounts & { readonly lines: readonly string[] }> {
    if (this.#isBusy) {
      throw unavailable(
        'overloaded',
        'Another record is put back just now. Ask again in a moment.',
        RETRY_BUSY_S,
      )
    }
    this.#isBusy = true
    const lines: string[] = []
    try {
      const { signal } = this.#stopping
      const say = (line: string): void => void lines.push(line)
      const counts = await replay({ ...this.#parts, client, filter: { ids: [id] }, signal, say }, null)
      return { ...counts, lines }
    } catch (error) {
      if (!(error instanceof ProduceError)) throw error
      throw new Problem(
        'log_unavailable',
        'The log did not acknowledge the events. Ask again: what is in the log counts once.',
        {},
        retryAfter(RETRY_BUSY_S),
      )
    } finally {
      this.#isBusy = false
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#parts.producer.stop()
  }
}

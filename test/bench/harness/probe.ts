import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Lane, requestBytes } from './lane.ts'
import type { Answer } from './lane.ts'

/** Pauses between two queries: they limit how exact a measurement is, and what the queries cost the services. */
const VIEW_STEP_MS = 25
const USAGE_STEP_MS = 500

const SEEN_TIMEOUT_MS = 60_000

/** The queried range reaches this far: beyond the end of the benchmark. */
const RANGE_MS = 6 * 3_600_000

/** How long it took from sending one event until it showed. */
export interface Freshness {
  /** In the provider view, which is answered from memory. */
  readonly viewMs: number
  /** In usage windows, which are read from ClickHouse; null where these were not queried. */
  readonly usageMs: number | null
}

export interface ProbeOptions {
  readonly gatewayUrl: string
  readonly readerUrl: string
  /** A node for which nothing else sends events: their number identifies them. */
  readonly nodeId: string
}

/** Sends single events of one node and queries until they show. */
export class Probe {
  readonly nodeId: string
  readonly #gateway: Lane
  readonly #view: Lane
  readonly #usage: Lane
  readonly #viewRequest: Buffer
  readonly #usageRequest: Buffer
  #sent = 0

  constructor({ gatewayUrl, readerUrl, nodeId }: ProbeOptions) {
    this.nodeId = nodeId
    this.#gateway = new Lane(gatewayUrl)
    this.#view = new Lane(readerUrl)
    this.#usage = new Lane(readerUrl)
    const nowMs = Date.now()
    const from = new Date(nowMs - RANGE_MS).toISOString()
    const to = new Date(nowMs + RANGE_MS).toISOString()
    this.#viewRequest = requestBytes('GET', `/api/settings/compute/provider?node_id=${nodeId}`)
    this.#usageRequest = requestBytes(
      'GET',
      `/api/usage?node_id=${nodeId}&from=${from}&to=${to}&window=total`,
    )
  }

  /**
   * Sends one event and waits until it shows in the view and, if `inUsage`, in usage windows: that is a query to
   * ClickHouse every half second, which costs more than the event. Rejects where the event was not accepted or does not
   * show within a minute.
   */
  async once(inUsage: boolean): Promise<Freshness> {
    const count = ++this.#sent
    const sentMs = performance.now()
    const [viewMs, usageMs] = await Promise.all([
      this.#seen(
        this.#view,
        this.#viewRequest,
        VIEW_STEP_MS,
        sentMs,
        (text) => inferencesOfView(text) >= count,
      ),
      inUsage
        ? this.#seen(
            this.#usage,
            this.#usageRequest,
            USAGE_STEP_MS,
            sentMs,
            (text) => inferencesOfUsage(text) >= count,
          )
        : null,
      this.#send(),
    ])
    return { viewMs, usageMs }
  }

  close(): void {
    for (const lane of [this.#gateway, this.#view, this.#usage]) lane.close()
  }

  async #send(): Promise<void> {
    const event = {
      event_id: randomUUID(),
      node_id: this.nodeId,
      operator_id: 'op-probe',
      model_id: 'qwen3.5-4b-local',
      task_source: 'hive',
      occurred_at: Date.now(),
      tokens_in: 100,
      tokens_out: 10,
    }
    const answer = await this.#gateway.ask(requestBytes('POST', '/v1/events', JSON.stringify(event)))
    if (answer.status !== 202) throw new Error(`A probe was not accepted: ${textOf(answer)}`)
  }

  /** Milliseconds from `sentMs` until an answer shows the event. Before its first one the node is unknown: 404. */
  async #seen(
    lane: Lane,
    request: Buffer,
    stepMs: number,
    sentMs: number,
    shows: (text: string) => boolean,
  ): Promise<number> {
    for (;;) {
      const answer = await lane.ask(request)
      const tookMs = performance.now() - sentMs
      if (answer.status === 200 && shows(answer.body.toString('utf8'))) return tookMs
      if (answer.status !== 200 && answer.status !== 404) throw new Error(`A look failed: ${textOf(answer)}`)
      if (tookMs > SEEN_TIMEOUT_MS)
        throw new Error(`An event of ${this.nodeId} does not show: ${textOf(answer)}`)
      await delay(stepMs)
    }
  }
}

function textOf({ status, body }: Answer): string {
  return `${status} ${body.toString('utf8', 0, 300)}`
}

function inferencesOfView(text: string): number {
  const view = JSON.parse(text) as { compute_stats: { total_inferences: number } }
  return view.compute_stats.total_inferences
}

function inferencesOfUsage(text: string): number {
  const { items } = JSON.parse(text) as { items: { inferences: number }[] }
  return items[0]?.inferences ?? 0
}

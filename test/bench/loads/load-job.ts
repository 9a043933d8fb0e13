import type { LatencySummary } from '../harness/latencies.ts'
import type { SourceSpec } from './load-sources.ts'

/** The task of a load process. */
export interface LoadJob {
  readonly url: string
  readonly source: SourceSpec
  /**
   * Null: each lane sends its next request when the last was answered. A number: this many a second on a fixed schedule,
   * whether those before were answered or not, and latencies count from the scheduled time.
   */
  readonly perSecond: number | null
  readonly lanes: number
  readonly warmupMs: number
  readonly measureMs: number
}

/** Its results over the measured span. */
export interface LoadReport {
  readonly seconds: number
  readonly requests: number
  readonly latency: LatencySummary
  /** CPU of the load process itself. */
  readonly cpuSeconds: number
  /** Requests made in all, warm-up included. */
  readonly made: number
  /** Answers, warm-up included, that were wrong, and the first few of them in words. */
  readonly wrong: number
  readonly faults: readonly string[]
}

/** From the load process to its parent: the span begins, the span is over, everything was answered. */
export type LoadMessage =
  | { readonly kind: 'measuring' }
  | { readonly kind: 'measured' }
  | { readonly kind: 'report'; readonly report: LoadReport }

/** From the parent: closed loads pause before their next request, or go on. */
export type LoadCommand = 'hold' | 'go'

import { MINUTE_WINDOW_MS, windowStart } from '../../../schemas/usage.ts'
import type { PlacedEvent } from './events.ts'
import type { WindowSums } from '../peers/streams-result.ts'

type OpenSums = { -readonly [Field in keyof WindowSums]: WindowSums[Field] }

/** The result that every contestant must find, by plain addition over the events themselves. */
export class Facts {
  /** With repeats. */
  events = 0
  unique = 0
  /** The sum of unique events that others paid for. */
  paidNanoUsd = 0n
  /** The number of unique events that others paid for. */
  costs = 0
  /** By `node|startMs`: without repeats, for contestants that drop them. */
  readonly windows = new Map<string, OpenSums>()
  /** With every repeat, for contestants that do not. */
  readonly windowsWithRepeats = new Map<string, OpenSums>()

  add({ event, repeated }: PlacedEvent): void {
    const key = `${event.node_id}|${windowStart(event.occurred_at, MINUTE_WINDOW_MS)}`
    this.events++
    addTo(this.windowsWithRepeats, key, event)
    if (repeated) return
    this.unique++
    if (event.task_source !== 'own' && event.cost_nano_usd > 0) {
      this.paidNanoUsd += BigInt(event.cost_nano_usd)
      this.costs++
    }
    addTo(this.windows, key, event)
  }
}

function addTo(windows: Map<string, OpenSums>, key: string, event: PlacedEvent['event']): void {
  let sum = windows.get(key)
  if (sum === undefined) windows.set(key, (sum = { events: 0, durationMs: 0n, costNanoUsd: 0n, tokens: 0n }))
  sum.events++
  sum.durationMs += BigInt(event.duration_ms ?? 0)
  sum.costNanoUsd += BigInt(event.cost_nano_usd)
  sum.tokens += BigInt(event.tokens_in + event.tokens_out)
}

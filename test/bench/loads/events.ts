import type { UsageEvent } from '../../../schemas/usage.ts'
import { Fleet, FLEET_NODES } from './fleet.ts'

/** The work of the reference measurements: 2,000 nodes, 500 operators, 2 million events in 10 minutes, 1 % repeats. */
const EVENTS_PER_MS = 2_000_000 / 600_000
const REPEAT_SHARE = 0.01

/** One event in this many may be repeated later. */
const REPEATABLE_STEP = 50

/** A repeat comes within ten minutes of its event: Kafka Streams remembers ids for fifteen. */
const REPEATABLE_KEPT = (EVENTS_PER_MS * 600_000) / REPEATABLE_STEP

/** An event with its partition. A repeat is the same event once more. */
export interface PlacedEvent {
  readonly event: UsageEvent
  readonly partition: number
  readonly repeated: boolean
}

/** The event time that this many events take. */
export const spanMs = (count: number): number => Math.ceil(count / EVENTS_PER_MS)

/** Makes the same events at every call with the same options; `repeats: false` leaves the repeats out. */
export function* benchEvents(options: {
  readonly count: number
  readonly partitions: number
  readonly startMs: number
  readonly repeats?: boolean
}): Generator<PlacedEvent> {
  const { count, partitions, startMs, repeats = true } = options
  const fleet = new Fleet({ nodes: FLEET_NODES, partitions, seed: 42 })
  const repeatable: PlacedEvent[] = []
  for (let index = 0; index < count; index++) {
    const isRepeat = repeats && fleet.random() < REPEAT_SHARE
    const oldest = Math.max(0, repeatable.length - REPEATABLE_KEPT)
    const newer = Math.floor(fleet.random() * (repeatable.length - oldest))
    const earlier = isRepeat ? repeatable[oldest + newer] : undefined
    if (earlier !== undefined) {
      yield { ...earlier, repeated: true }
      continue
    }
    const occurredAtMs = startMs + Math.floor(index / EVENTS_PER_MS)
    const placed = { ...fleet.event(index, occurredAtMs), repeated: false }
    if (index % REPEATABLE_STEP === 0) repeatable.push(placed)
    yield placed
  }
}

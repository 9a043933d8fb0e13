import { benchAggregator } from './aggregator.ts'
import type { BenchResult } from './bench-line.ts'
import { benchEndToEnd } from './end-to-end.ts'
import { benchFootprint } from './footprint.ts'

export interface BenchSettings {
  readonly brokers: readonly string[]
  readonly clickhouseUrl: string
  /** As asked for; the part knows how many otherwise. */
  readonly events: number | undefined
  readonly turns: number | undefined
  readonly quick: boolean
}

interface Part {
  readonly what: string
  readonly run: (settings: BenchSettings) => Promise<BenchResult>
}

const TURNS = 3

/** What `npm run bench` can measure, in the order in which it does. */
export const PARTS = {
  aggregator: {
    what: 'events/s and CPU beside Kafka Streams and a bare kafkajs loop',
    run: ({ brokers, events = 10_000_000, turns = TURNS, quick }) =>
      benchAggregator({ brokers, events, turns, quick }),
  },
  'end-to-end': {
    what: "from the topic to rows that a query sees, beside ClickHouse's Kafka engine",
    run: ({ events = 3_000_000, turns = TURNS, ...settings }) =>
      benchEndToEnd({ ...settings, events, turns }),
  },
  footprint: {
    what: 'CPU, bytes and INSERTs that an event costs each part of the chain',
    run: ({ brokers, clickhouseUrl, events = 3_000_000 }) =>
      benchFootprint({ brokers, clickhouseUrl, events }),
  },
} satisfies Readonly<Record<string, Part>>

export type PartName = keyof typeof PARTS

export const isPart = (name: string): name is PartName => Object.hasOwn(PARTS, name)

/** The short run that guards ratios. */
export const QUICK: { readonly parts: readonly PartName[]; readonly events: number; readonly turns: number } =
  {
    parts: ['aggregator'],
    events: 1_000_000,
    turns: 1,
  }

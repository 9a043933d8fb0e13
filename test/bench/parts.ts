import { benchAggregator } from './parts/aggregator.ts'
import type { BenchResult } from './harness/bench-line.ts'
import { benchEndToEnd } from './parts/end-to-end.ts'
import { benchFairness } from './fairness/fairness.ts'
import { benchFleetPages } from './parts/fleet-pages.ts'
import { benchFootprint } from './harness/footprint.ts'
import { benchFreshness } from './parts/freshness.ts'
import { benchGateway } from './parts/gateway.ts'
import { benchMemory } from './parts/memory.ts'
import { benchReader } from './parts/reader.ts'
import { benchRestart } from './parts/restart.ts'
import { benchScale } from './parts/scale.ts'
import type { BenchServers } from './harness/servers.ts'
import { benchSettler } from './parts/settler.ts'
import { benchTelemetry } from './parts/telemetry.ts'
import { benchSite } from './site/site.ts'

/** As requested; where it is not, each part has a number of its own. */
export interface BenchSettings {
  readonly events: number | undefined
  readonly turns: number | undefined
  readonly seconds: number | undefined
  readonly nodes: number | undefined
  /** Folder for CPU profiles of services. */
  readonly profileDir: string | undefined
  readonly quick: boolean
}

export interface Part {
  readonly what: string
  readonly run: (servers: BenchServers, settings: BenchSettings) => Promise<BenchResult>
  /** It starts what it needs: no Kafka and no ClickHouse is started for it. */
  readonly needsNoServers?: true
}

const TURNS = 2

/** The parts that `npm run bench` can measure, in their order. */
export const PARTS = {
  aggregator: {
    what: 'events/s and CPU beside Kafka Streams and a bare kafkajs loop',
    run: ({ brokers }, { events = 10_000_000, turns = TURNS, quick }) =>
      benchAggregator({ brokers, events, turns, quick }),
  },
  'end-to-end': {
    what: "from the topic to rows that a query sees, beside ClickHouse's Kafka engine",
    run: (servers, { events = 10_000_000, turns = TURNS }) => benchEndToEnd({ ...servers, events, turns }),
  },
  gateway: {
    what: 'events/s over HTTP, and how long an acknowledgement takes at half of that',
    run: (servers, { seconds = 20, profileDir }) =>
      benchGateway({ servers, measureMs: seconds * 1_000, profileDir }),
  },
  freshness: {
    what: 'from an event sent to the provider view, and writes, at half of the capacity',
    run: (servers, { seconds = 75, events, profileDir }) =>
      benchFreshness({ servers, measureMs: seconds * 1_000, eventsPerSecond: events, profileDir }),
  },
  settler: {
    what: 'costs decided a second, with 2,000 and 100,000 nodes',
    run: ({ brokers }, { events = 1_000_000, turns = TURNS }) =>
      benchSettler({ brokers, costs: events, turns }),
  },
  fairness: {
    what: 'how long a client that behaves waits beside one that takes what it can',
    needsNoServers: true,
    run: (_servers, { seconds = 10, quick }) => benchFairness({ measureMs: quick ? 3_000 : seconds * 1_000 }),
  },
  telemetry: {
    what: "the gateway's work on samples of a hosting fleet: packed beside JSON",
    needsNoServers: true,
    run: (_servers, { events = 1_000_000, turns = 5 }) => benchTelemetry({ samples: events, turns }),
  },
  reader: {
    what: 'provider views of a million nodes; usage of a week behind 100 million events',
    run: (servers, { seconds = 20, nodes = 1_000_000, events = 100_000_000, profileDir }) =>
      benchReader({ servers, measureMs: seconds * 1_000, nodes, rows: events, profileDir }),
  },
  restart: {
    what: 'an aggregator with 5 million ids until it processes again',
    run: ({ brokers }, { events = 5_000_000, turns = TURNS }) =>
      benchRestart({ brokers, ids: events, starts: turns }),
  },
  fleet: {
    what: 'what a worker of a hosting fleet costs its task: CPU a sample, bytes, restart',
    needsNoServers: true,
    run: (_servers, { nodes = 25_000 }) => benchFleetPages({ workers: nodes }),
  },
  scale: {
    what: 'CPU an event from 1 to 16 partitions, 100 to 100,000 nodes, 1 to 100 days',
    run: ({ brokers }, { events = 2_000_000, turns = TURNS }) => benchScale({ brokers, events, turns }),
  },
  footprint: {
    what: 'CPU, bytes and INSERTs that an event costs each part of the chain',
    run: (servers, { events = 3_000_000 }) => benchFootprint({ ...servers, events }),
  },
  site: {
    what: 'the node of a site: CPU and memory with 5,000 machines a minute, the spool of 72 hours',
    needsNoServers: true,
    run: (_servers, { seconds = 60 }) => benchSite({ measureMs: seconds * 1_000 }),
  },
  memory: {
    what: 'an aggregator with 10 million ids; every service over 30 minutes of constant load',
    run: (servers, { events = 10_000_000, seconds = 1_800 }) =>
      benchMemory({ servers, ids: events, minutes: seconds / 60 }),
  },
} as const satisfies Readonly<Record<string, Part>>

export type PartName = keyof typeof PARTS

export const isPart = (name: string): name is PartName => Object.hasOwn(PARTS, name)

/** The short run that guards ratios. */
export const QUICK: { readonly parts: readonly PartName[]; readonly events: number; readonly turns: number } =
  {
    parts: ['aggregator'],
    events: 1_000_000,
    turns: 1,
  }

import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { partitionOfNode } from '../../../schemas/ids.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { startService } from '../../support/processes/service-process.ts'
import type { ServiceProcess } from '../../support/processes/service-process.ts'
import type { EventRun } from '../loads/event-bodies.ts'
import type { LoadJob, LoadReport } from '../loads/load-job.ts'
import { Load } from '../loads/load.ts'
import { Probe } from '../harness/probe.ts'
import type { Freshness } from '../harness/probe.ts'
import { CpuMeter, serverPid } from '../harness/process-figures.ts'
import { SERVICE_NAMES } from '../../../schemas/services.ts'

export const CHAIN = SERVICE_NAMES

const EVENTS_PER_BATCH = 1_000

/** The nodes that send. */
const CHAIN_NODES = 2_000

/**
 * The number of events between the gateway and the aggregator at which a load that measures the capacity pauses, and goes
 * on.
 */
const BEHIND = { hold: 60_000, go: 30_000 }
const BEHIND_STEP_MS = 100
const FULL_LANES = 8
const SCHEDULED_LANES = 32

/** The pause between two probes of a node: of random length, or they would fall into step with the loader's groups. */
const PROBE_PAUSE_MS_MAX = 500

/** All services of one installation as processes, with a probe in each partition. */
export class WholeChain {
  readonly services: Readonly<Record<(typeof CHAIN)[number], ServiceProcess>>
  readonly #probes: readonly Probe[]
  #batches = 0
  readonly #runId = randomBytes(4).toString('hex')

  private constructor(services: WholeChain['services'], probes: readonly Probe[]) {
    this.services = services
    this.#probes = probes
  }

  static async start(
    installation: Installation,
    settings: Readonly<Record<string, string>>,
  ): Promise<WholeChain> {
    const started = await Promise.all(CHAIN.map((name) => startService(installation, name, { settings })))
    await Promise.all(started.map((service) => service.ready()))
    const services = Object.fromEntries(started.map((service) => [service.name, service]))
    const { gateway, reader } = services as WholeChain['services']
    const probes = probeNodes(installation.partitions).map(
      (nodeId) => new Probe({ gatewayUrl: gateway.url, readerUrl: reader.url, nodeId }),
    )
    return new WholeChain(services as WholeChain['services'], probes)
  }

  /** The nodes that this benchmark may query exist from here on. */
  async warmUp(eventsPerSecond: number, forMs: number): Promise<void> {
    checked(
      await this.#events({ perSecond: eventsPerSecond / EVENTS_PER_BATCH, warmupMs: 0, measureMs: forMs })
        .report,
    )
    await this.drained()
  }

  /** Milliseconds until everything that was sent before shows in both places, in every partition. */
  async drained(): Promise<number> {
    const startMs = performance.now()
    await Promise.all(this.#probes.map((probe) => probe.once(true)))
    return performance.now() - startMs
  }

  /**
   * Events a second that go through the whole chain: as many are sent as the aggregator keeps up with, and the clock
   * stops when the last of them shows in the provider view and in ClickHouse.
   */
  async capacity(forMs: number): Promise<number> {
    const load = this.#events({ perSecond: null, warmupMs: 0, measureMs: forMs })
    const startMs = performance.now()
    const over = new AbortController()
    const holding = this.#holdBack(load, over.signal)
    const { made } = checked(await load.report)
    over.abort()
    await holding
    await this.drained()
    return (made * EVENTS_PER_BATCH) / ((performance.now() - startMs) / 1_000)
  }

  /** A load of events on a fixed schedule; its report is checked when it comes. */
  async scheduled(eventsPerSecond: number, forMs: number): Promise<LoadReport> {
    const perSecond = eventsPerSecond / EVENTS_PER_BATCH
    return checked(await this.#events({ perSecond, warmupMs: 0, measureMs: forMs }).report)
  }

  /** Probes every partition again and again for this long; one of the probes queries usage windows too. */
  async freshness(forMs: number): Promise<Freshness[]> {
    const endMs = performance.now() + forMs
    const found = await Promise.all(
      this.#probes.map(async (probe, number) => {
        const ofNode: Freshness[] = []
        while (performance.now() < endMs) {
          await delay(randomInt(PROBE_PAUSE_MS_MAX))
          ofNode.push(await probe.once(number === 0))
        }
        return ofNode
      }),
    )
    return found.flat()
  }

  /** Writes to the reader on a fixed schedule, for any of this many nodes. */
  async writes(
    kind: 'reserve' | 'settings',
    perSecond: number,
    forMs: number,
    nodes = CHAIN_NODES,
  ): Promise<LoadReport> {
    const { reader } = this.services
    const source = { kind, nodes }
    const load = new Load({
      url: reader.url,
      source,
      perSecond,
      lanes: SCHEDULED_LANES,
      warmupMs: 0,
      measureMs: forMs,
    })
    return checked(await load.report)
  }

  /** CPU of every process of the chain and of the servers that are started here. */
  meter(): CpuMeter {
    const pids = Object.entries(this.services).map(([name, { process }]) => [name, process.pid])
    return new CpuMeter({
      ...(Object.fromEntries(pids) as Record<string, number | undefined>),
      broker: serverPid('kafka.Kafka'),
      ClickHouse: serverPid('infra/local/clickhouse/main.ts'),
      bench: process.pid,
    })
  }

  /** Stops the services in order, the writers first. */
  async stop(): Promise<void> {
    for (const probe of this.#probes) probe.close()
    for (const name of CHAIN) await this.services[name].stop()
  }

  async kill(): Promise<void> {
    for (const probe of this.#probes) probe.close()
    await Promise.all(Object.values(this.services).map((service) => service.kill()))
  }

  #events(span: Pick<LoadJob, 'perSecond' | 'warmupMs' | 'measureMs'>): Load {
    const run: EventRun = {
      runId: this.#runId,
      // The batches of this load must differ from those of every load before: none sends a million.
      firstBatch: (this.#batches += 1_000_000),
      eventsPerBatch: EVENTS_PER_BATCH,
      nodes: CHAIN_NODES,
    }
    const lanes = span.perSecond === null ? FULL_LANES : SCHEDULED_LANES
    return new Load({ url: this.services.gateway.url, source: { kind: 'events', ...run }, ...span, lanes })
  }

  async #holdBack(load: Load, signal: AbortSignal): Promise<void> {
    const { gateway, aggregator } = this.services
    let isHeld = false
    while (!signal.aborted) {
      const [accepted, counted, repeated] = await Promise.all([
        gateway.metric('hivemeter_events_accepted_total'),
        aggregator.metric('hivemeter_events_counted_total'),
        aggregator.metric('hivemeter_events_repeated_total'),
      ])
      const behind = accepted - counted - repeated
      if (!isHeld && behind > BEHIND.hold) load.command('hold')
      if (isHeld && behind < BEHIND.go) load.command('go')
      isHeld = isHeld ? behind >= BEHIND.go : behind > BEHIND.hold
      await delay(BEHIND_STEP_MS)
    }
    load.command('go')
  }
}

/** A node for each partition. */
function probeNodes(partitions: number): string[] {
  const nodes: string[] = []
  for (let number = 0; Object.keys(nodes).length < partitions; number++) {
    const node = `probe-${number}`
    nodes[partitionOfNode(node, partitions)] ??= node
  }
  return nodes
}

/** A measurement of a load in which something went wrong means nothing. */
function checked(report: LoadReport): LoadReport {
  if (report.wrong === 0) return report
  throw new Error(`${report.wrong} of ${report.made} requests went wrong: ${report.faults.join('; ')}`)
}

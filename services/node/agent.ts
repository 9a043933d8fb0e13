import type { Clock } from '../../pipelines/clock.ts'
import type { Logger } from '../../pipelines/logger.ts'
import type { Random } from '../../pipelines/random.ts'
import { Refusal } from '../../pipelines/json/refusal.ts'
import type { Span } from '../../schemas/fleet/records.ts'
import { MINUTE_MS, SECOND_MS } from '../../schemas/units.ts'
import { describeError } from '../runtime/exit.ts'
import type { AgentConfig } from './config/agent-config.ts'
import { keepRaw } from './keep-raw.ts'
import { macsIn } from './machines/arp.ts'
import { MachinePolls } from './machines/machine-polls.ts'
import type { Polled } from './machines/machine-polls.ts'
import { PollLoop } from './machines/poll-loop.ts'
import type { PollWord } from './machines/poll-result.ts'
import { Roster } from './machines/roster.ts'
import { CompleteSpans } from './send/complete.ts'
import type { Enrolled } from './send/enrol.ts'
import { GatewayClient } from './send/gateway-client.ts'
import { keepHeartbeats } from './send/heartbeats.ts'
import { LiveWindow } from './send/live-window.ts'
import { RefusedItems } from './send/refused-items.ts'
import { ReplayBudget } from './send/replay-budget.ts'
import { Sender } from './send/sender.ts'
import type { Disk } from './spool/disk.ts'
import { Losses } from './spool/losses.ts'
import { Outbox } from './spool/outbox.ts'
import { Spool } from './spool/spool.ts'
import { beginEpoch, readProgress, readRoster, writeProgress, writeRoster } from './state.ts'
import { NodeTime } from './time/node-time.ts'
import type { Boot } from './time/node-time.ts'

/** What was polled is on the disk, and on its way, after this. */
const FLUSH_MS = 500
/** How often the node looks after its files: bounds of the spool, the roster, how far it has come. */
const HOUSEKEEPING_MS = 10 * SECOND_MS
/** How often the log says how the node is doing. */
const REPORT_MS = 10 * MINUTE_MS
/** At the end, how long what was just polled may take to be sent; then the next start sends it. */
const LAST_SEND_MS = 2 * SECOND_MS

/** The folders of a node. */
export interface AgentDisks {
  readonly state: Disk
  readonly spool: Disk
  readonly refused: Disk
  /** Null: raw answers are not kept. */
  readonly raw: Disk | null
}

export interface AgentParts {
  readonly config: AgentConfig
  readonly enrolled: Enrolled
  readonly disks: AgentDisks
  readonly boot: Boot
  /** The text of the ARP table; empty where there is none. */
  readonly readArp: () => string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly spoolBytesMax?: number
}

/** What the node has done since its start. */
export interface AgentCounts {
  readonly epoch: number
  readonly made: number
  readonly sent: number
  readonly held: number
  readonly refused: number
  readonly lost: Readonly<Record<string, number>>
  /** Polls by how they ended. */
  readonly polls: Readonly<Record<string, number>>
}

/** A node at work: it polls, spools, sends. It never changes a machine. */
export class Agent {
  readonly #parts: AgentParts
  readonly #time: NodeTime
  readonly #losses: Losses
  readonly #spool: Spool
  readonly #outbox: Outbox
  readonly #roster: Roster
  readonly #complete: CompleteSpans
  readonly #refused: RefusedItems
  readonly #window = new LiveWindow()
  readonly #sender: Sender
  readonly #polls: PollLoop
  readonly #client: GatewayClient
  #macs: ReadonlyMap<string, string> = new Map()
  #logMs: number | null
  #isStamped = false
  readonly #results = new Map<PollWord, number>()
  /** How the last poll of each machine ended. */
  readonly #lastResults = new Map<MachinePolls, PollWord>()
  #isRawKept = true
  readonly #stopPolling = new AbortController()
  readonly #stopSending = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #polling: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | null = null

  private constructor(
    parts: AgentParts,
    kept: {
      readonly losses: Losses
      readonly spool: Spool
      readonly epoch: number
      readonly time: NodeTime
      readonly roster: Roster
      readonly complete: CompleteSpans
      readonly refused: RefusedItems
      readonly logMs: number | null
    },
  ) {
    const { config, enrolled, clock, random, logger } = parts
    const { losses, spool, epoch, time, roster, complete, refused, logMs } = kept
    this.#parts = parts
    this.#losses = losses
    this.#spool = spool
    this.#time = time
    this.#roster = roster
    this.#complete = complete
    this.#refused = refused
    this.#logMs = logMs
    this.#outbox = new Outbox({ epoch, spool, time, losses })
    const { key, ...node } = enrolled
    const { intervalS, gatewayUrl, machines } = config
    this.#client = new GatewayClient({ url: gatewayUrl, key, clock })
    const perS = (2 * machines.length) / intervalS
    this.#sender = new Sender({
      node,
      intervalS,
      spool,
      client: this.#client,
      time,
      window: this.#window,
      budget: new ReplayBudget(perS, clock.monotonicMs()),
      refused,
      clock,
      random,
      logger,
      next: () => this.#outbox.next,
      waiting: () => this.#outbox.oldestWaiting,
      complete: () => this.#dueSpans(),
      told: (spans) => complete.told(spans),
      acknowledged: async (sentMs, atMs) => await this.#acknowledged(sentMs, atMs),
    })
    this.#polls = new PollLoop({
      machines: machines.map((machine) => this.#pollsOf(machine)),
      intervalS,
      bootMs: () => time.bootMs(),
      clock,
      logger,
      polled: async (polls, polled, atBootMs) => await this.#polled(polls, polled, atBootMs),
    })
  }

  /** Reads what was left, begins an epoch, and starts to work. */
  static async start(parts: AgentParts): Promise<Agent> {
    const { config, disks, boot, clock, logger, spoolBytesMax } = parts
    const losses = new Losses(logger)
    const bound = spoolBytesMax === undefined ? {} : { sizeBytesMax: spoolBytesMax }
    const spool = await Spool.open({ disk: disks.spool, losses, ...bound })
    const epoch = await beginEpoch(disks.state, spool.epochMax, clock.nowMs())
    const { logMs, spans } = await readProgress(disks.state)
    const time = new NodeTime(clock, boot, logMs)
    const complete = new CompleteSpans(spans, time.bootMs())
    complete.loseEarlier(losses.take())
    const addresses = config.machines.map(({ address }) => address)
    const roster = new Roster(addresses, await readRoster(disks.state))
    const refused = await RefusedItems.open(disks.refused, logger)
    const agent = new Agent(parts, { losses, spool, epoch, time, roster, complete, refused, logMs })
    agent.#run()
    return agent
  }

  get counts(): AgentCounts {
    return {
      epoch: this.#outbox.next.epoch,
      made: this.#outbox.items,
      sent: this.#sender.sentItems,
      held: this.#spool.index.heldItems,
      refused: this.#refused.count,
      lost: this.#losses.items,
      polls: Object.fromEntries(this.#results),
    }
  }

  /** Ends in order: no further poll, what was polled into the spool, a last try to send it. However often it is called, once. */
  async stop(): Promise<void> {
    // A second end would write over what the next process on this folder has written.
    this.#stopped ??= this.#stop()
    await this.#stopped
  }

  async #stop(): Promise<void> {
    const { clock, logger } = this.#parts
    this.#countPolled()
    this.#stopPolling.abort()
    await this.#polling
    await this.#flush()
    const untilMs = clock.monotonicMs() + LAST_SEND_MS
    while (this.#spool.index.heldItems > 0 && clock.monotonicMs() < untilMs) {
      await clock.delay(LAST_SEND_MS / 20)
    }
    this.#stopSending.abort()
    await this.#running
    await this.#keepState()
    await this.#spool.close()
    logger.info(this.counts, 'The node has stopped.')
  }

  #run(): void {
    const { config, clock, random, logger, enrolled } = this.#parts
    const { key: _, ...node } = enrolled
    const { signal } = this.#stopSending
    this.#macs = macsIn(this.#parts.readArp())
    this.#polling = this.#polls.run(this.#stopPolling.signal)
    const beats = keepHeartbeats(
      {
        node,
        epoch: this.#outbox.next.epoch,
        intervalS: config.intervalS,
        client: this.#client,
        time: this.#time,
        clock,
        random,
        logger,
        acknowledged: async (sentMs, atMs) => await this.#acknowledged(sentMs, atMs),
      },
      signal,
    )
    this.#running = Promise.all([
      this.#sender.run(signal),
      beats,
      this.#every(FLUSH_MS, async () => await this.#flush()),
      this.#every(HOUSEKEEPING_MS, async () => await this.#keepState()),
      this.#every(REPORT_MS, async () => logger.info(this.counts, 'The node is at work.')),
    ])
    logger.info({ ...node, ...this.counts, machines: config.machines.length }, 'The node has started.')
  }

  /** Does something again and again until the end; what fails is said, and tried again next time. */
  async #every(periodMs: number, work: () => Promise<void>): Promise<void> {
    const { clock, logger } = this.#parts
    const { signal } = this.#stopSending
    while (!signal.aborted) {
      await clock.delay(periodMs, signal)
      if (signal.aborted) return
      try {
        await work()
      } catch (error) {
        logger.error({ reason: describeError(error) }, 'A file of the node could not be written.')
      }
    }
  }

  #pollsOf(machine: AgentConfig['machines'][number]): MachinePolls {
    const { config, clock, random } = this.#parts
    return new MachinePolls({
      machine,
      intervalS: config.intervalS,
      roster: this.#roster,
      macOf: (host) => this.#macs.get(host) ?? null,
      presentMs: () => this.#time.presentMs(),
      clock,
      random,
    })
  }

  async #polled(polls: MachinePolls, { made, asked, result }: Polled, atBootMs: number): Promise<void> {
    const { disks, logger, clock } = this.#parts
    const { address } = polls.machine
    for (const item of made) {
      if (item instanceof Refusal) {
        logger.warn({ address, code: item.code, path: item.path }, 'An item does not fit and is not sent.')
      } else this.#outbox.add(item, atBootMs)
    }
    this.#results.set(result, (this.#results.get(result) ?? 0) + 1)
    if (this.#lastResults.get(polls) !== result) {
      logger.info({ address, result }, 'A machine answers in another way than before.')
      this.#lastResults.set(polls, result)
    }
    if (disks.raw === null) return
    const atMs = this.#time.presentMs() ?? clock.nowMs()
    try {
      await keepRaw(disks.raw, polls.machine, asked, Math.round(atMs))
      this.#isRawKept = true
    } catch (error) {
      // Once, until it works again: a full disk would otherwise fill the log as well.
      if (this.#isRawKept) logger.warn({ reason: describeError(error) }, 'Raw answers cannot be kept.')
      this.#isRawKept = false
    }
  }

  async #flush(): Promise<void> {
    const first = this.#outbox.oldestWaiting
    if (first === null) return
    await this.#outbox.flush()
    this.#window.spooled(first, this.#parts.clock.monotonicMs())
    this.#sender.wake()
  }

  async #keepState(): Promise<void> {
    const { disks, readArp } = this.#parts
    this.#macs = macsIn(readArp())
    await this.#spool.keepWithin(this.#time.logTimeAt(this.#time.bootMs()))
    const roster = this.#roster.takeChange()
    if (roster !== null) await writeRoster(disks.state, roster)
    this.#countPolled()
    await writeProgress(disks.state, { logMs: this.#logMs, spans: this.#complete.kept() })
  }

  async #acknowledged(sentBootMs: number, logMs: number): Promise<void> {
    this.#time.acknowledged(sentBootMs, logMs)
    this.#logMs = Math.max(this.#logMs ?? 0, logMs)
    if (this.#isStamped) return
    // What is on its way into the spool has its time already, or comes before this in the spool's own order.
    this.#isStamped = await this.#spool.stamp(this.#time)
    this.#sender.wake()
  }

  /** Everything from before the oldest poll under way, and the oldest item in memory, is in the spool or was sent. */
  #countPolled(): void {
    const nowMs = this.#time.bootMs()
    const offsetMs = this.#time.logTimeAt(0)
    this.#complete.lose(this.#losses.take(), nowMs)
    const untilMs = Math.min(
      nowMs,
      this.#polls.runningSinceBootMs() ?? nowMs,
      this.#outbox.waitingSinceBootMs ?? nowMs,
    )
    // Polls that the end has cut short say nothing of their machines.
    if (this.#stopPolling.signal.aborted) return
    if (offsetMs !== null) this.#complete.polledUntil(untilMs, offsetMs)
  }

  #dueSpans(): readonly Span[] {
    this.#countPolled()
    if (this.#spool.index.blocks.some(({ times }) => times === null)) return []
    // Items of one round are observed over a whole interval: what lies that near to a held one is held as well.
    const padMs = this.#parts.config.intervalS * SECOND_MS
    return this.#complete.due(this.#spool.index.heldTimes(padMs))
  }
}

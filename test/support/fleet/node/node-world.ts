import assert from 'node:assert/strict'
import { silentLogger } from '../../../../pipelines/logger.ts'
import type { Random } from '../../../../pipelines/random.ts'
import type { JsonObject } from '../../../../pipelines/json/json-object.ts'
import { workerTelemetryCodec } from '../../../../schemas/fleet/codecs.ts'
import type { FleetItem, Mark, WorkerTelemetry } from '../../../../schemas/fleet/records.ts'
import { pollItem } from '../../../../services/node/machines/items.ts'
import type { Said } from '../../../../services/node/send/gateway-client.ts'
import { LiveWindow } from '../../../../services/node/send/live-window.ts'
import { RefusedItems } from '../../../../services/node/send/refused-items.ts'
import { ReplayBudget } from '../../../../services/node/send/replay-budget.ts'
import { Sender } from '../../../../services/node/send/sender.ts'
import { Losses } from '../../../../services/node/spool/losses.ts'
import { Outbox } from '../../../../services/node/spool/outbox.ts'
import { Spool } from '../../../../services/node/spool/spool.ts'
import { beginEpoch, readProgress, writeProgress } from '../../../../services/node/state.ts'
import { NodeTime } from '../../../../services/node/time/node-time.ts'
import { Crash, CrashDisk } from './crash-disk.ts'

/** How the gateway answers the next batch. */
export const ANSWERS = [
  'taken',
  'away',
  'lost_answer',
  'busy',
  'unfit',
  'refuses_one',
  'somebody_else',
] as const
/** Beside those: a gateway that finds every body unfit, also of one item. */
export type Answer = (typeof ANSWERS)[number] | 'unfit_alone'

/** An item as the gateway has it, by its number. */
interface Arrived {
  readonly address: string | null
  readonly observedAtMs: number
}

interface Made {
  readonly address: string
  readonly trueMs: number
  isSpooled: boolean
}

/** What a process is made of. */
interface RunningParts {
  readonly outbox: Outbox
  readonly spool: Spool
  readonly sender: Sender
  readonly losses: Losses
  readonly time: NodeTime
  readonly window: LiveWindow
}

const NODE = { provider_id: 'krill', location_id: 'barn', node_id: 'n' }
const START_MS = Date.UTC(2026, 10, 30)
const SIGNAL = new AbortController().signal
const numberOf = ({ epoch, seq }: Mark): string => `${epoch}/${seq}`

/** A node's spool, sender and clock over a disk that can fail, with a gateway that remembers what it was told. */
export class NodeWorld {
  readonly made = new Map<string, Made>()
  readonly arrived = new Map<string, Arrived>()
  low: Mark = { epoch: 0, seq: 1 }
  answer: Answer = 'taken'
  trueMs = START_MS
  wallSkewMs = 0
  /** Items that were spooled and are counted as lost, over all processes. */
  lostItems = 0
  crashes = 0
  #boot = { id: 'boot-0', startedMs: START_MS - 5_000 }
  #disks: Record<'state' | 'spool' | 'refused', CrashDisk>
  #parts: RunningParts | null = null
  readonly #chance: () => number
  #names = 0
  #boots = 0
  #hasEnded = false

  constructor(chance: () => number) {
    this.#chance = chance
    this.#disks = {
      state: new CrashDisk(chance),
      spool: new CrashDisk(chance),
      refused: new CrashDisk(chance),
    }
  }

  get disk(): CrashDisk {
    return this.#disks.spool
  }

  get held(): number {
    return this.#parts?.spool.index.heldItems ?? 0
  }

  /** A process begins; one that ends at once is begun again. */
  async start(sizeBytesMax = 1_000_000): Promise<void> {
    const clock = {
      nowMs: () => this.trueMs + this.wallSkewMs,
      monotonicMs: () => this.trueMs - START_MS,
      delay: async () => {},
    }
    const random: Random = { next: this.#chance, bytes: (size) => Buffer.alloc(size, 7) }
    const losses = new Losses(silentLogger)
    this.#disks.spool.onEnd = () => {
      this.#count()
      this.#hasEnded = true
    }
    const spool = await Spool.open({ disk: this.#disks.spool, losses, sizeBytesMax })
    const epoch = await beginEpoch(this.#disks.state, spool.epochMax, clock.nowMs())
    const { logMs } = await readProgress(this.#disks.state)
    const boot = { id: this.#boot.id, uptimeMs: this.trueMs - this.#boot.startedMs }
    const time = new NodeTime(clock, boot, logMs)
    const outbox = new Outbox({ epoch, spool, time, losses })
    const window = new LiveWindow()
    const sender = new Sender({
      node: NODE,
      intervalS: 30,
      spool,
      client: { post: async (_path, { bytes }) => this.#take(workerTelemetryCodec.decode(bytes)) },
      time,
      window,
      budget: new ReplayBudget(1_000, clock.monotonicMs()),
      refused: await RefusedItems.open(this.#disks.refused, silentLogger),
      clock,
      random,
      logger: silentLogger,
      next: () => outbox.next,
      waiting: () => outbox.oldestWaiting,
      complete: () => [],
      told: () => {},
      acknowledged: async (sentMs, at) => await this.#acknowledged(sentMs, at),
    })
    this.#parts = { outbox, spool, sender, losses, time, window }
  }

  /** Does something; where the process ends in it, the next one begins. */
  async during(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
    // A crash that the spool took for a failure of the disk is one all the same.
    if (this.#disks.spool.stepsLeft === 0) await this.crash()
  }

  /** kill -9, or the power: the process is gone, and what was not synced may be. */
  async crash(): Promise<void> {
    this.crashes += 1
    // What a process does after its end was never done: its losses were counted at the end.
    if (!this.#hasEnded) this.#count()
    this.#hasEnded = false
    const { state, spool, refused } = this.#disks
    this.#disks = { state: state.afterCrash(), spool: spool.afterCrash(), refused: refused.afterCrash() }
    await this.start()
  }

  reboot(): void {
    this.#boots += 1
    this.#boot = { id: `boot-${this.#boots}`, startedMs: this.trueMs }
  }

  /** Machines are polled now. */
  poll(items: number): void {
    const { outbox, time } = this.#running()
    for (let item = 0; item < items; item += 1) {
      this.#names += 1
      const address = `10.0.0.${this.#names}`
      const observed = { serial: null, mac: null, mac_arp: null, address, observed_at: 0 }
      const number = numberOf(outbox.next)
      assert.ok(!this.made.has(number), `the number ${number} is given out twice`)
      this.made.set(number, { address, trueMs: this.trueMs, isSpooled: false })
      outbox.add(pollItem(observed, 'ok') as FleetItem, time.bootMs())
    }
  }

  async flush(): Promise<void> {
    const { outbox, spool, window } = this.#running()
    const first = outbox.oldestWaiting
    if (first === null) return
    const { epoch } = outbox.next
    await outbox.flush()
    if (this.#disks.spool.stepsLeft === 0) return
    window.spooled(first, this.trueMs - START_MS)
    for (let { seq } = outbox.next; seq > first; seq -= 1) {
      const made = this.made.get(numberOf({ epoch, seq: seq - 1 }))
      const isHeld = spool.index.blocks.some((one) => one.epoch === epoch && one.from < seq && one.to >= seq)
      if (made !== undefined && isHeld) made.isSpooled = true
    }
  }

  async step(answer: Answer): Promise<boolean> {
    this.answer = answer
    return await this.#running().sender.step(SIGNAL)
  }

  /** A heartbeat that the log took. */
  async beat(): Promise<void> {
    const { time } = this.#running()
    await this.#acknowledged(time.bootMs(), this.trueMs)
  }

  async keepWithin(): Promise<void> {
    const { spool, time } = this.#running()
    await spool.keepWithin(time.logTimeAt(time.bootMs()))
  }

  /** All that is held is sent. */
  async drain(): Promise<void> {
    await this.beat()
    await this.flush()
    for (let tries = 0; this.held > 0; tries += 1) {
      assert.ok(tries < 5_000, 'the spool does not become empty')
      this.trueMs += 2_000
      await this.step('taken')
    }
    this.#count()
  }

  async #acknowledged(sentBootMs: number, logMs: number): Promise<void> {
    const { time, spool } = this.#running()
    time.acknowledged(sentBootMs, logMs)
    await spool.stamp(time)
    await writeProgress(this.#disks.state, { logMs, spans: null })
  }

  #take({ epoch, first_seq, low, items }: WorkerTelemetry): Said {
    const { answer } = this
    if (answer === 'away') return { kind: 'again', waitMs: 0, reason: 'away' }
    if (answer === 'busy') return { kind: 'again', waitMs: 1_000, reason: 'busy' }
    if (answer === 'somebody_else') return { kind: 'taken', answer: {}, logMs: null }
    if (answer === 'unfit_alone' || (answer === 'unfit' && items.length > 1))
      return { kind: 'unfit', reason: 'unfit' }
    assert.ok(low.epoch < epoch || (low.epoch === epoch && low.seq <= first_seq), 'low is above the batch')
    for (const [index, { poll }] of items.entries()) {
      const number = numberOf({ epoch, seq: first_seq + index })
      const before = this.arrived.get(number)
      const { address, observed_at: observedAtMs } = poll ?? assert.fail('another kind of item')
      assert.ok(before === undefined || before.address === address, `${number} stands for two items`)
      this.arrived.set(number, { address, observedAtMs })
    }
    if (this.low.epoch < low.epoch || (this.low.epoch === low.epoch && this.low.seq < low.seq)) this.low = low
    if (answer === 'lost_answer') return { kind: 'again', waitMs: 0, reason: 'no answer in time' }
    const refused = answer === 'refuses_one' ? [{ index: 0, code: 'in_the_future' }] : []
    const said: JsonObject = { refused }
    return { kind: 'taken', answer: said, logMs: this.trueMs }
  }

  #count(): void {
    const { losses } = this.#running()
    // Nothing is damaged here: what cannot be read is a crash.
    for (const reason of ['too_old', 'no_room', 'no_time']) this.lostItems += losses.items[reason] ?? 0
  }

  #running(): RunningParts {
    if (this.#parts === null) throw new Error('The node does not run.')
    return this.#parts
  }
}

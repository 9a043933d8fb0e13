import type { Clock } from '../../../pipelines/clock.ts'
import type { Logger } from '../../../pipelines/logger.ts'
import type { Random } from '../../../pipelines/random.ts'
import { BATCH_ITEMS_MAX } from '../../../schemas/fleet/bounds.ts'
import { LANES } from '../../../schemas/fleet/records.ts'
import type { FleetNodeName, Lane, Mark, Span } from '../../../schemas/fleet/records.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import { decodeItem } from '../spool/item-bytes.ts'
import type { Spool } from '../spool/spool.ts'
import type { Run } from '../spool/spool-index.ts'
import type { NodeTime } from '../time/node-time.ts'
import { RETRY_MS_MAX, retryDelayMs } from './backoff.ts'
import { bodyOf, firstHalf } from './batch.ts'
import type { Batch, BatchForm, BatchHead } from './batch.ts'
import type { GatewayClient, Said } from './gateway-client.ts'
import { refusedIn } from './gateway-client.ts'
import { itemJson } from './item-json.ts'
import type { LiveWindow } from './live-window.ts'
import type { RefusedItems } from './refused-items.ts'
import type { ReplayBudget } from './replay-budget.ts'

const TELEMETRY_PATH = '/v1/fleet/telemetry'
/** The longest pause before the sender looks again whether there is something to send. */
const LOOK_MS = SECOND_MS
/**
 * Items that may be found unfit one after the other. Beyond them it is not the items, and they are kept and sent again: a spool is
 * not emptied by a gateway that has gone wrong.
 */
const UNFIT_MAX = 10

/** A page for whoever is not logged in to a network answers 200 to everything: items leave the spool for the log's time alone. */
const NOT_THE_GATEWAY: Exclude<Said, { kind: 'taken' }> = {
  kind: 'again',
  waitMs: 0,
  reason: 'an answer without the time of the log: is gatewayUrl the gateway?',
}

/** What the sender needs to know of the rest of the node at the moment of a batch. */
export interface SenderSources {
  /** The number that is given out next. */
  readonly next: () => Mark
  /** The oldest number that is in memory alone; null where none is. */
  readonly waiting: () => number | null
  readonly complete: () => readonly Span[]
  /** The log has these spans. */
  readonly told: (spans: readonly Span[]) => void
  /** An acknowledgement of what was sent at that moment since the boot. */
  readonly acknowledged: (sentBootMs: number, logMs: number) => Promise<void>
}

export interface SenderParts extends SenderSources {
  readonly node: FleetNodeName
  readonly intervalS: number
  readonly spool: Spool
  readonly client: Pick<GatewayClient, 'post'>
  readonly time: NodeTime
  readonly window: LiveWindow
  readonly budget: ReplayBudget
  readonly refused: RefusedItems
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

interface LaneState {
  /** What was sent and has no answer that ends it: the same again. */
  batch: Batch | null
  failures: number
  notBeforeMs: number
}

/**
 * Sends what the spool holds, one batch at a time: what was just polled first, then, within the budget, the oldest of what could
 * not be sent then. A batch without a final answer is sent again as it is, after a pause.
 */
export class Sender {
  readonly #parts: SenderParts
  readonly #lanes: Record<Lane, LaneState> = {
    live: { batch: null, failures: 0, notBeforeMs: 0 },
    replay: { batch: null, failures: 0, notBeforeMs: 0 },
  }
  #unfit = 0
  /** What the gateway takes: the log's own record, until it says that it does not know that. */
  #form: BatchForm = 'packed'
  #sentItems = 0
  #wake: () => void = () => {}

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  /** In this process. */
  get sentItems(): number {
    return this.#sentItems
  }

  /** There is something new in the spool. */
  wake(): void {
    this.#wake()
  }

  /** Until the signal; a batch under way is given up then, and is sent again by the next process. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    while (!signal.aborted) {
      const isSent = await this.step(signal)
      if (isSent) continue
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      await clock.delay(LOOK_MS, AbortSignal.any([signal, woken.signal]))
    }
  }

  /** Sends one batch, if one is due; whether one was. */
  async step(signal: AbortSignal): Promise<boolean> {
    for (const lane of LANES) {
      const state = this.#lanes[lane]
      if (state.notBeforeMs > this.#parts.clock.monotonicMs()) continue
      state.batch ??= await this.#next(lane)
      if (state.batch === null) continue
      await this.#send(state, state.batch, signal)
      return true
    }
    return false
  }

  async #next(lane: Lane): Promise<Batch | null> {
    const { spool } = this.#parts
    const run = lane === 'live' ? this.#liveRun() : this.#replayRun()
    if (run === null) return null
    const items = await spool.read(run)
    return items === null ? null : { run, items, head: this.#head(lane, run) }
  }

  #liveRun(): Run | null {
    return this.#parts.spool.index.runFrom(this.#liveFloor(), BATCH_ITEMS_MAX)
  }

  #replayRun(): Run | null {
    const { spool, budget, clock } = this.#parts
    const items = budget.available(clock.monotonicMs())
    return items === 0 ? null : spool.index.oldestRun(this.#liveFloor(), Math.min(items, BATCH_ITEMS_MAX))
  }

  #liveFloor(): Mark {
    const { epoch, seq } = this.#parts.next()
    return { epoch, seq: this.#parts.window.floor(seq, this.#parts.clock.monotonicMs()) }
  }

  #head(lane: Lane, run: Run): BatchHead {
    const { node, intervalS, spool, next, waiting, complete } = this.#parts
    const { epoch, seq } = next()
    const held = spool.index.low() ?? { epoch, seq: waiting() ?? seq }
    // What is sent is held, whatever the spool had to drop meanwhile.
    const isAbove = held.epoch > run.epoch || (held.epoch === run.epoch && held.seq > run.from)
    const low = isAbove ? { epoch: run.epoch, seq: run.from } : held
    return { node, intervalS, lane, low, complete: complete() }
  }

  async #send(state: LaneState, batch: Batch, signal: AbortSignal): Promise<void> {
    const { client, time } = this.#parts
    const sentBootMs = time.bootMs()
    const said = await client.post(TELEMETRY_PATH, bodyOf(batch, this.#form), signal)
    if (signal.aborted && said.kind === 'again') return
    if (said.kind === 'unknown_type' && this.#form === 'packed') this.#form = 'json'
    else if (said.kind === 'taken' && said.logMs === null) this.#later(state, batch, NOT_THE_GATEWAY)
    else if (said.kind === 'taken') await this.#taken(state, batch, said, sentBootMs)
    else if (said.kind === 'unfit' && this.#unfit < UNFIT_MAX) await this.#halve(state, batch, said.reason)
    else this.#later(state, batch, said)
  }

  async #taken(
    state: LaneState,
    batch: Batch,
    { answer, logMs }: Extract<Said, { kind: 'taken' }>,
    sentBootMs: number,
  ): Promise<void> {
    const { spool, budget, refused, told, acknowledged } = this.#parts
    const { run, items, head } = batch
    for (const { index, code } of refusedIn(answer)) {
      const item = items[index]
      if (item === undefined) continue
      await refused.keep(run.epoch, run.from + index, code, itemJson(decodeItem(item)))
    }
    await spool.release(run)
    told(head.complete)
    if (head.lane === 'replay') budget.spend(items.length)
    const { replay_budget: granted } = answer
    budget.grant(typeof granted === 'number' ? granted : null)
    this.#sentItems += items.length
    this.#unfit = 0
    Object.assign(state, { batch: null, failures: 0, notBeforeMs: 0 })
    if (logMs !== null) await acknowledged(sentBootMs, logMs)
  }

  /** The gateway finds a body wrong: its parts are tried, and one item that is wrong by itself is refused for good. */
  async #halve(state: LaneState, batch: Batch, reason: string): Promise<void> {
    const { spool, refused, logger } = this.#parts
    const { run, items } = batch
    const half = firstHalf(batch)
    logger.warn({ epoch: run.epoch, seq: run.from, items: items.length, reason }, 'A batch is unfit.')
    state.batch = half
    if (half !== null) return
    this.#unfit += 1
    const [item] = items
    if (item !== undefined) await refused.keep(run.epoch, run.from, reason, itemJson(decodeItem(item)))
    await spool.release(run)
  }

  #later(state: LaneState, batch: Batch, said: Exclude<Said, { kind: 'taken' }>): void {
    const { clock, random, logger } = this.#parts
    state.failures += 1
    const askedMs = said.kind === 'again' ? said.waitMs : RETRY_MS_MAX
    const delayMs = retryDelayMs(state.failures, askedMs, random)
    state.notBeforeMs = clock.monotonicMs() + delayMs
    // Where what is new is not taken, what is old need not be tried.
    const { lane } = batch.head
    if (lane === 'live') this.#lanes.replay.notBeforeMs = state.notBeforeMs
    const level = said.kind === 'again' ? 'warn' : 'error'
    logger[level](
      { lane, reason: said.reason, failures: state.failures, retryMs: Math.round(delayMs) },
      said.kind === 'denied'
        ? 'The gateway does not take the key of this node. What is polled stays in the spool.'
        : 'The gateway took nothing. The same is sent again.',
    )
  }
}

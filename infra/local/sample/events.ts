import { createHash } from 'node:crypto'
import type { SampleModel, SampleNode } from './fleet.ts'
import { MODELS, makeFleet } from './fleet.ts'
import { seededDice } from './random.ts'
import type { Dice } from './random.ts'
import { MINUTE_MS, NANO_DECIMALS, NANO_USD_PER_USD } from '../../../schemas/units.ts'

/** One usage event as POST /v1/events takes it. */
export interface SampleEvent {
  readonly event_id: string
  readonly node_id: string
  readonly operator_id?: string
  readonly model_id: string
  readonly task_source: 'own' | 'hive' | 'idle'
  readonly occurred_at: string
  readonly tokens_in: number
  readonly tokens_out: number
  readonly duration_ms: number
  readonly gpu_ms?: number
  readonly energy_mwh?: number
  readonly energy_source?: 'meter' | 'device'
  readonly actual_usd_cost?: string
  readonly requester_node_id?: string
}

const REPEAT_SHARE = 0.02
const LATE_SHARE = 0.01
/** A window of one minute is late when it ended five minutes before the newest receipt. */
const LATE_MS = { min: 7 * MINUTE_MS, max: 50 * MINUTE_MS }
const DELAY_MAX_MS = 4_000
/** Events from which a repeat may be chosen. */
const REMEMBERED_MAX = 2_000
const API_MS_PER_TOKEN = 6
const MWH_PER_GPU_MS = 0.047

/** Of 20 events, how many are the node's own work, the network's, and idle work. */
const SOURCES = [...Array(5).fill('own'), ...Array(11).fill('hive'), ...Array(4).fill('idle')] as readonly (
  | 'own'
  | 'hive'
  | 'idle'
)[]

const NANO = Number(NANO_USD_PER_USD)

/** A decimal string of dollars, exact: what a paid call costs. */
function usd(nanoUsd: number): string {
  return `${Math.floor(nanoUsd / NANO)}.${String(nanoUsd % NANO).padStart(NANO_DECIMALS, '0')}`
}

/**
 * The work of the sample fleet: the same seed gives the same nodes, models and amounts; ids come from the seed and the
 * start time, so a restart repeats none. 2 % of the events are repeats of earlier ones and 1 % are late.
 */
export class SampleWork {
  readonly #dice: Dice
  readonly #nodes: readonly SampleNode[]
  readonly #lottery: readonly SampleNode[]
  readonly #idPrefix: string
  readonly #remembered: SampleEvent[] = []
  #count = 0

  constructor(options: { readonly seed: number; readonly startMs: number }) {
    this.#dice = seededDice(options.seed)
    this.#nodes = makeFleet(this.#dice)
    this.#lottery = this.#nodes.flatMap((node) => Array<SampleNode>(node.weight).fill(node))
    this.#idPrefix = `${options.seed} ${options.startMs} `
  }

  get nodes(): readonly SampleNode[] {
    return this.#nodes
  }

  /** The next event at `nowMs`: a new one, or now and then one that was already given. */
  next(nowMs: number): SampleEvent {
    if (this.#remembered.length > 0 && this.#dice.next() < REPEAT_SHARE)
      return this.#dice.pick(this.#remembered)
    const event = this.#event(nowMs)
    if (this.#remembered.length < REMEMBERED_MAX) this.#remembered.push(event)
    else this.#remembered[this.#count % REMEMBERED_MAX] = event
    return event
  }

  #event(nowMs: number): SampleEvent {
    const dice = this.#dice
    const node = dice.pick(this.#lottery)
    const model = dice.pick(MODELS)
    const source = dice.pick(SOURCES)
    const isLate = dice.next() < LATE_SHARE
    const ageMs = isLate ? dice.between(LATE_MS.min, LATE_MS.max) : dice.between(0, DELAY_MAX_MS)
    const tokensIn = dice.between(20, 3_000)
    const tokensOut = dice.between(5, 900)
    return {
      event_id: this.#eventId(),
      node_id: node.nodeId,
      ...(node.operatorId !== undefined && { operator_id: node.operatorId }),
      model_id: model.modelId,
      task_source: source,
      occurred_at: new Date(nowMs - ageMs).toISOString(),
      tokens_in: tokensIn,
      tokens_out: tokensOut,
      ...this.#cost(model, tokensIn, tokensOut),
      ...(source === 'hive' && { requester_node_id: dice.pick(this.#nodes).nodeId }),
    }
  }

  /** Local models use the GPU, and some nodes measure it; paid ones cost money. */
  #cost(
    model: SampleModel,
    tokensIn: number,
    tokensOut: number,
  ): Pick<SampleEvent, 'duration_ms' | 'gpu_ms' | 'energy_mwh' | 'energy_source' | 'actual_usd_cost'> {
    if (!model.isLocal) {
      const nanoUsd = model.nanoUsdPerToken * (tokensIn + 4 * tokensOut)
      return { duration_ms: tokensOut * API_MS_PER_TOKEN, actual_usd_cost: usd(nanoUsd) }
    }
    const gpuMs = tokensOut * model.gpuMsPerToken
    const measured = this.#dice.next()
    // A fifth of the events have no GPU time: it is then estimated from their tokens.
    if (measured < 0.2) return { duration_ms: gpuMs }
    if (measured < 0.6) return { duration_ms: gpuMs, gpu_ms: gpuMs }
    const energySource = measured < 0.7 ? 'meter' : 'device'
    const energyMwh = Math.round(gpuMs * MWH_PER_GPU_MS)
    return { duration_ms: gpuMs, gpu_ms: gpuMs, energy_mwh: energyMwh, energy_source: energySource }
  }

  /** A UUID (version 8) that no other start of the sample makes. */
  #eventId(): string {
    this.#count += 1
    const hex = createHash('sha256').update(`${this.#idPrefix}${this.#count}`).digest('hex')
    const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  }
}

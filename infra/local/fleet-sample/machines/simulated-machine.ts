import { SECOND_MS } from '../../../../schemas/units.ts'
import { seededDice } from '../../sample/random.ts'
import type { BitmainTruth } from './answers/bitmain.ts'
import { UNITS } from './answers/bitmain.ts'
import { bitmainNewAnswers } from './answers/bitmain-new.ts'
import { bitmainOldAnswers } from './answers/bitmain-old.ts'
import { AXE_STEP_HS, espminerInfo } from './answers/espminer.ts'
import type { MachineTruth, ModelTruth } from './answers/truth.ts'
import { V3_STEP_HS, whatsminerV3Answers } from './answers/whatsminer.ts'
import type { AskedAnswer, Style } from './answers/writing.ts'

/** The machines that are simulated: one for each way in which machines are asked. */
export const MACHINE_KINDS = ['bitmain-old', 'bitmain-new', 'whatsminer', 'espminer'] as const
export type MachineKind = (typeof MACHINE_KINDS)[number]

/** What happens to a machine, beside time passing. */
export interface Condition {
  /** Of what it does at its best: 1. */
  readonly rateShare: number
  readonly boardsLost: number
  readonly isAsleep: boolean
  readonly chipC: number
  readonly startedMs: number
}

interface Kind {
  readonly adapter: string
  readonly model: ModelTruth
  readonly nominalHs: number
  readonly powerW: number
}

const STYLE: Style = { numbers: 'number', order: 1 }
/** A number that choices follow from which a vendor's form leaves open: each part in an answer of its own. */
const CHOICE = 1
/** How far a rate goes up and down by itself. */
const NOISE_SHARE = 0.02
/** What the pool asks of a share, and the hashes that one stands for on average. */
const DIFFICULTY = 65_536
const HASHES_PER_SHARE = DIFFICULTY * 2 ** 32

const asic = (model: string, boards: number, chipsPerBoard: number, fans: number): ModelTruth => ({
  make: 'Sample',
  model,
  algorithm: 'SHA-256',
  boards,
  chipsPerBoard,
  fans,
})

const KINDS: Readonly<Record<MachineKind, Kind>> = {
  'bitmain-old': {
    adapter: 'bitmain',
    model: asic('Sample Miner 95', 3, 126, 4),
    nominalHs: 95_000_000_000_000,
    powerW: 3_250,
  },
  'bitmain-new': {
    adapter: 'bitmain',
    model: asic('Sample Miner 200', 3, 108, 4),
    nominalHs: 200_000_000_000_000,
    powerW: 3_500,
  },
  whatsminer: {
    adapter: 'whatsminer',
    model: asic('Sample Wind 170', 3, 111, 2),
    nominalHs: 170_000_000_000_000,
    powerW: 3_400,
  },
  espminer: {
    adapter: 'espminer',
    model: asic('Sample Axe', 1, 1, 1),
    nominalHs: 1_200_000_000_000,
    powerW: 18,
  },
}

export interface SimulatedMachineOptions {
  readonly kind: MachineKind
  /** The same seed gives the same machine, and the same noise at the same time. */
  readonly seed: number
  readonly startedMs: number
}

/** A machine whose truth is known, and what it answers in its vendor's own format. */
export class SimulatedMachine {
  readonly kind: MachineKind
  readonly serial: string
  readonly mac: string
  readonly #seed: number
  #condition: Condition

  constructor({ kind, seed, startedMs }: SimulatedMachineOptions) {
    this.kind = kind
    this.#seed = seed
    const digits = seed.toString(16).toUpperCase().padStart(6, '0')
    this.serial = `SIM${kind.slice(0, 2).toUpperCase()}${digits}`
    const bytes = digits.match(/../g) ?? []
    this.mac = `02:00:${String(MACHINE_KINDS.indexOf(kind)).padStart(2, '0')}:${bytes.slice(-3).join(':')}`
    this.#condition = { rateShare: 1, boardsLost: 0, isAsleep: false, chipC: 68, startedMs }
  }

  get adapter(): string {
    return KINDS[this.kind].adapter
  }

  /** What an inventory knows of it, as a node's file has it. */
  get context(): object {
    const { chipsPerBoard, ...model } = KINDS[this.kind].model
    return { model: { ...model, chips_per_board: chipsPerBoard } }
  }

  get condition(): Condition {
    return this.#condition
  }

  become(change: Partial<Condition>): void {
    this.#condition = { ...this.#condition, ...change }
  }

  /** Hashes a second at a moment: what it answers then as its present rate, to the step in which its vendor writes. */
  rateHsAt(nowMs: number): number {
    const { rateShare, boardsLost, isAsleep } = this.#condition
    const { nominalHs, model } = KINDS[this.kind]
    if (isAsleep) return 0
    const noise = seededDice(this.#seed + Math.floor(nowMs / SECOND_MS)).next() * 2 - 1
    const boards = (model.boards - boardsLost) / model.boards
    return this.#stepped(nominalHs * rateShare * boards * (1 + noise * NOISE_SHARE))
  }

  /** What it answers at a moment, by the names under which adapters know its answers. */
  answersAt(nowMs: number): AskedAnswer[] {
    switch (this.kind) {
      case 'bitmain-old':
        return [
          ...bitmainOldAnswers(this.#bitmainAt(nowMs)),
          ['summary', { STATUS: [{ STATUS: 'S' }], SUMMARY: [{ Elapsed: this.#uptimeS(nowMs) }] }],
          ['get_miner_conf.cgi', { 'bitmain-fan-ctrl': false }],
        ]
      case 'bitmain-new':
        return bitmainNewAnswers(this.#bitmainAt(nowMs))
      case 'whatsminer':
        return whatsminerV3Answers({
          ...this.#truthAt(nowMs),
          style: STYLE,
          deviceTimeS: Math.floor(nowMs / SECOND_MS),
          choice: CHOICE,
          minuteHs: null,
          quarterHs: null,
          zone: { name: null, aheadS: 0 },
          errors: [],
        })
      default:
        return [['/api/system/info', this.#axeAt(nowMs)]]
    }
  }

  #stepped(rateHs: number): number {
    const stepHs = this.kind === 'whatsminer' ? V3_STEP_HS : AXE_STEP_HS
    return Math.round(rateHs / stepHs) * stepHs
  }

  #uptimeS(nowMs: number): number {
    return Math.max(0, Math.floor((nowMs - this.#condition.startedMs) / SECOND_MS))
  }

  #truthAt(nowMs: number): MachineTruth {
    const { model, nominalHs, powerW } = KINDS[this.kind]
    const { boardsLost, isAsleep, chipC } = this.#condition
    const rateHs = this.rateHsAt(nowMs)
    const uptimeS = this.#uptimeS(nowMs)
    const boards = Array.from({ length: model.boards }, (_, slot) => ({
      chips: slot < boardsLost ? 0 : model.chipsPerBoard,
      serial: `${this.serial}B${slot}`,
      rateHs: slot < boardsLost ? null : this.#stepped(rateHs / (model.boards - boardsLost)),
      nominalHs: this.#stepped(nominalHs / model.boards),
      boardC: isAsleep ? 25 : chipC - 12,
      chipC: isAsleep ? 25 : chipC,
      freqMhz: 525,
      hwErrors: 0,
    }))
    return {
      model,
      serial: this.serial,
      mac: this.mac,
      ip: null,
      hostname: `sim-${this.serial.toLowerCase()}`,
      fwVer: 'sample-1',
      uptimeS,
      nowHs: rateHs,
      meanHs: this.#stepped(nominalHs * this.#condition.rateShare),
      nominalHs,
      powerW: Math.round(isAsleep ? powerW / 100 : (powerW * rateHs) / nominalHs),
      mode: isAsleep ? 'sleep' : 'normal',
      boards,
      fansRpm: Array.from({ length: model.fans }, (_, index) => (isAsleep ? 1_200 : 5_400 + 10 * index)),
      pools: [
        {
          url: 'stratum+tcp://pool.example:3333',
          user: `sample.${this.serial}`,
          isAlive: true,
          accepted: Math.floor((uptimeS * nominalHs) / HASHES_PER_SHARE),
          rejected: 0,
          stale: 0,
          difficulty: DIFFICULTY,
          shareAgeS: 5,
        },
      ],
    }
  }

  #bitmainAt(nowMs: number): BitmainTruth {
    return {
      ...this.#truthAt(nowMs),
      unit: UNITS[0],
      style: STYLE,
      unusedChains: 0,
      unusedFans: 0,
      deviceTimeS: Math.floor(nowMs / SECOND_MS),
      hasUnusedPool: false,
    }
  }

  #axeAt(nowMs: number): Record<string, unknown> {
    const { nominalHs } = KINDS[this.kind]
    const { isAsleep, chipC } = this.#condition
    const rateHs = this.rateHsAt(nowMs)
    const { powerW, fansRpm, pools } = this.#truthAt(nowMs)
    return espminerInfo({
      kind: 'present',
      style: STYLE,
      fans: 1,
      chips: 1,
      nowHs: rateHs,
      minuteHs: rateHs,
      tenMinutesHs: rateHs,
      hourHs: rateHs,
      nominalHs,
      powerSteps: (powerW ?? 0) * 100,
      uptimeS: this.#uptimeS(nowMs),
      sensorsC: [isAsleep ? 25 : chipC, null],
      regulatorC: isAsleep ? 25 : chipC - 10,
      fansRpm: [fansRpm[0] ?? 0, 0],
      millivolts: 1_150,
      accepted: pools[0]?.accepted ?? 0,
      stale: 0,
      otherRejected: 0,
      difficulty: 1_024,
      isFallback: false,
      hasSecondPool: false,
      isPaused: isAsleep,
      isOverheated: false,
      bestShare: 100,
      mac: this.mac,
      hostname: `sim-${this.serial.toLowerCase()}`,
    })
  }
}

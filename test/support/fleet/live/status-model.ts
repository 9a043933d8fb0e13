import type { LiveSample } from '../../../../pipelines/fleet/live/sample.ts'
import type { Thresholds } from '../../../../pipelines/fleet/status/thresholds.ts'
import { RATE_HS } from './worker.ts'
import type { Life, LifeRecord } from './random-machine.ts'
import {
  fault,
  hashes,
  held,
  isAsleep,
  isLow,
  isMeasured,
  isTicket,
  mean,
  scaled,
  slot,
  sustained,
  workOf,
} from './readings.ts'
import type { Intent, Kept, Told } from './readings.ts'

/**
 * A second reading of how a worker's status follows from its life: an array of samples, looked through anew for every
 * question, and time that goes on second by second. It knows no clocks, rings, timers or columns, and it is slow.
 */

const NODE_LISTENS_S = 90
const IDLE = 'working/hashing'

export class StatusModel {
  /** `second status/reason` of each change. */
  readonly history: string[] = []
  readonly #life: Life
  readonly #thresholds: Thresholds
  readonly #rampS: number
  readonly #samples: Kept[] = []
  readonly #contacts: number[] = [-1]
  /** By contact: the seconds in which the node was listened to until then. */
  readonly #listenedTo: number[] = [0]
  /** When the worker was heard: any result, an answer, a sample. Log time. */
  #heardAt: number[] = []
  #answeredAt: number[] = []
  #goodAt: number[] = []
  #failed = 0
  #unread = 0
  #heardT = -1e9
  #now = 'stopped/never_seen'
  #before = IDLE
  #sinceS = -1
  /** Samples before this one say nothing about whether a stopped worker has resumed. */
  #standsFrom = 0
  #resumedS = -1e9
  #broken: string | null = null
  #brokenFrom = 0
  #faultsFrom = 0
  #isAway = false
  #dwells = false
  readonly #under = new Map<string, number>()

  constructor(life: Life, thresholds: Thresholds, rampS: number) {
    this.#life = life
    this.#thresholds = thresholds
    this.#rampS = rampS
    this.history.push('-1 stopped/never_seen')
  }

  /** Lives the whole life. */
  run(): readonly string[] {
    let next = 0
    let before = this.#timeSays(-1)
    for (let atS = 0; atS <= this.#life.endS; atS++) {
      const says = this.#timeSays(atS)
      if (says !== before || (this.#dwells && atS - this.#sinceS >= 60)) this.#decide(atS)
      for (let record = this.#life.records[next]; record?.atS === atS; record = this.#life.records[++next]) {
        this.#apply(record)
      }
      before = this.#timeSays(atS)
    }
    return this.history
  }

  /** All that time alone may change. */
  #timeSays(atS: number): string {
    return JSON.stringify([this.#intentAt(atS), this.#silenceAt(atS)])
  }

  #apply(record: LifeRecord): void {
    const { atS } = record
    if (record.kind === 'contact') {
      this.#listenedTo.push(this.#listened(atS))
      this.#contacts.push(atS)
      return
    }
    const isFresh = record.tS <= atS + 60 && atS - record.tS <= 120
    if (record.kind === 'sample') {
      if (!isFresh || record.tS <= (this.#samples.at(-1)?.tS ?? -1e9)) return
      this.#see(record.sample, record.tS)
      this.#goodAt = [atS]
      this.#answeredAt = [atS]
      this.#failed = 0
      this.#unread = 0
    } else {
      if (!isFresh || record.tS <= this.#heardT) return
      this.#unread++
      if (record.result === 'timeout' || record.result === 'refused') this.#failed++
      else {
        this.#failed = 0
        this.#answeredAt = [atS]
      }
    }
    this.#heardAt = [atS]
    this.#heardT = Math.max(this.#heardT, record.tS)
    if (record.kind === 'sample') this.#judge()
    this.#decide(atS)
  }

  #see(sample: LiveSample, tS: number): void {
    const last = this.#samples.at(-1)
    const gapS = last === undefined ? Number.POSITIVE_INFINITY : tS - last.tS
    const intent = this.#intentAt(tS)
    const isRestart = last !== undefined && (sample.uptimeS ?? 0) < (last.sample.uptimeS ?? 0) + gapS - 30
    const wasAsleep = last !== undefined && isAsleep(last.sample)
    const wasAway = this.#returnedAt() > (this.#goodAt[0] ?? 0)
    const isExcused = intent.isWindow || intent.isRamp || intent.isMaintenance || intent.repair !== null
    const kept = {
      sample,
      tS,
      stepS: gapS <= 2.5 * this.#life.intervalS ? gapS : 0,
      comesUp: tS - Math.max(tS - (sample.uptimeS ?? 0), this.#resumedS) < this.#rampS,
      intent,
      isRestart,
      isFaultRestart: isRestart && !wasAsleep && !isAsleep(sample) && !wasAway && !isExcused,
    }
    const r5 = [...this.#samples, kept].filter(
      (one) => slot(one.tS, 30) > slot(tS, 30) - 10 && one.sample.rateNowHs !== null,
    )
    const isEnough = r5.length >= (this.#life.intervalS >= 120 ? 1 : 3)
    this.#samples.push({
      ...kept,
      r5Hs: isEnough ? mean(r5.map(({ sample }) => sample.rateNowHs ?? 0)) : null,
    })
  }

  /** Latches, by what the newest sample adds to the ones before. */
  #judge(): void {
    const t = this.#thresholds
    const newest = this.#samples.at(-1)
    if (newest === undefined) return
    const faults = this.#samples.slice(this.#faultsFrom)
    const boards = (one: Kept): Told =>
      fault(one, (one.sample.boardsExpected ?? 0) - (one.sample.boardsOnline ?? 0))
    const error = (one: Kept): Told => fault(one, one.sample.criticalErrors ?? 0)
    const feels = (one: Kept): boolean =>
      error(one) === 'yes' && one.r5Hs !== null && one.r5Hs * 100 < t.errorRatePct * scaled(one.intent)
    const latch = (reason: string): void => {
      if (this.#broken !== null) return
      this.#broken = reason
      this.#brokenFrom = this.#samples.length - 1
    }
    if (boards(newest) === 'yes' && held(faults, boards) >= t.boardsS) {
      latch((newest.sample.boardsDisabled ?? 0) > 0 ? 'board_disabled' : 'boards_lost')
    }
    if (feels(newest) && held(faults, error) >= t.errorS) latch('critical_error')
    if (newest.isFaultRestart && this.#restarts() >= t.restarts) latch('restarts')
    if (this.#broken !== null) {
      const clean = (one: Kept): Told =>
        boards(one) === 'yes' || feels(one) || one.isFaultRestart
          ? 'no'
          : hashes(one) === 'yes'
            ? 'yes'
            : 'unknown'
      if (held(this.#samples.slice(this.#brokenFrom), clean) >= t.repairedS) this.#repair()
    }
    this.#judgePerformance(newest)
  }

  #repair(): void {
    this.#broken = null
    this.#faultsFrom = this.#samples.length
  }

  /** Restarts by fault in the time that counts, since the machine last hashed for long enough. */
  #restarts(): number {
    const t = this.#thresholds
    const newest = this.#samples.at(-1)
    let forgiven = this.#faultsFrom
    for (let n = this.#faultsFrom; n < this.#samples.length; n++) {
      const since = this.#samples.slice(0, n + 1).findLastIndex(({ isRestart }) => isRestart)
      const run = this.#samples.slice(Math.max(0, since), n + 1)
      if (held(run, hashes) >= t.restartHashingS) forgiven = n
    }
    return this.#samples
      .slice(forgiven)
      .filter((one) => one.isFaultRestart && (newest?.tS ?? 0) - one.tS <= t.restartsS).length
  }

  #judgePerformance(newest: Kept): void {
    const t = this.#thresholds
    if (!isMeasured(newest, this.#tunedS(this.#samples.length - 1), t.tuningS)) return
    const measured = this.#samples.filter((one, n) => isMeasured(one, this.#tunedS(n), t.tuningS))
    const low = (one: Kept, n: number): Told | 'between' => this.#rateSays(one, n)
    const chips = (one: Kept): Told =>
      (one.sample.chipsOnline ?? 0) * 100 < t.chipsPct * (one.sample.chipsExpected ?? 0) ? 'yes' : 'no'
    const watts = (one: Kept): Told => {
      if (one.r5Hs === null || one.r5Hs * 100 < t.efficiencyRatePct * scaled(one.intent)) return 'unknown'
      return (one.sample.powerW ?? 0) * RATE_HS * 100 > t.efficiencyPct * 3_500 * one.r5Hs ? 'yes' : 'no'
    }
    this.#latchUnder('low_rate', newest, low(newest, this.#samples.length - 1))
    const { accepted, refused, judged, delivered, reported } = workOf(this.#samples, newest)
    const margin = (100 * t.deliveredMargin) / Math.sqrt(judged)
    const isShort = delivered * 2 ** 32 * 100 < reported * (t.deliveredPct - margin)
    this.#latchUnder(
      'low_delivered',
      newest,
      judged < t.sharesMin || reported === 0 ? 'unknown' : isShort ? 'yes' : 'no',
    )
    const all = accepted + refused
    const isRefused = refused * 100 > t.refusedPct * all
    this.#latchUnder('shares_refused', newest, all < t.sharesMin ? 'unknown' : isRefused ? 'yes' : 'no')
    this.#latchUnder('chips_missing', newest, sustained(chips(newest), held(measured, chips), t.chipsS))
    this.#latchUnder('inefficient', newest, sustained(watts(newest), held(measured, watts), t.efficiencyS))
  }

  /** The map holds for each latched cause for how long it is gone, -1 where it is not. */
  #latchUnder(cause: string, newest: Kept, told: Told | 'between'): void {
    if (told === 'yes') this.#under.set(cause, -1)
    const goneS = this.#under.get(cause)
    if (goneS === undefined || told === 'unknown' || told === 'yes') return
    const nextS = told === 'between' ? -1 : goneS < 0 ? 0 : goneS + newest.stepS
    if (nextS >= this.#thresholds.cleanS) this.#under.delete(cause)
    else this.#under.set(cause, nextS)
  }

  /** r10: the means of the unbroken row of samples, up to this one, at which the machine could be measured. */
  #rateSays(newest: Kept, n: number): Told | 'between' {
    const t = this.#thresholds
    const values: number[] = []
    for (let m = n; m >= 0; m--) {
      const one = this.#samples[m]
      if (one === undefined || !isMeasured(one, this.#tunedS(m), t.tuningS)) break
      if (slot(one.tS, 120) <= slot(newest.tS, 120) - 5) break
      if (one.r5Hs !== null) values.push(one.r5Hs)
    }
    if (values.length < (this.#life.intervalS >= 120 ? 1 : 3)) return 'unknown'
    const r10 = mean(values.toReversed())
    if (r10 * 100 < t.underPct * scaled(newest.intent)) return 'yes'
    return r10 * 100 >= t.recoveredPct * scaled(newest.intent) ? 'no' : 'between'
  }

  #tunedS(n: number): number {
    return held(this.#samples.slice(0, n + 1), ({ sample }) => (sample.mode === 'tuning' ? 'yes' : 'no'))
  }

  #decide(atS: number): void {
    const silence = this.#silenceAt(atS)
    this.#isAway = silence === 'node_unavailable'
    const shown = this.#now
    let current = shown
    if (shown === 'stopped/node_unavailable' && !this.#isAway) current = this.#before
    const intent = this.#intentAt(atS)
    if (shown.includes('/ticket_') && !isTicket(intent)) this.#repair()
    if ((current.startsWith('stopped') && !this.#isAway) || current.startsWith('in_maint'))
      this.#under.clear()
    let next = this.#firstMatch(current, silence, intent)
    const isPair = /^(under|working)/.test(current) && /^(under|working)/.test(next)
    this.#dwells = isPair && current.split('/')[0] !== next.split('/')[0] && atS - this.#sinceS < 60
    if (this.#dwells) next = current
    if (next === 'stopped/node_unavailable' && shown !== next) {
      this.#before = current
    }
    if (current.startsWith('stopped') && /^(under|working)/.test(next))
      this.#resumedS = this.#samples.at(-1)?.tS ?? 0
    if (next.split('/')[0] !== shown.split('/')[0]) this.#sinceS = atS
    if (next !== shown) this.history.push(`${atS} ${next}`)
    this.#now = next
  }

  #firstMatch(current: string, silence: string | null, intent: Intent): string {
    const t = this.#thresholds
    const newest = this.#samples.at(-1)
    if (intent.repair !== null) {
      return `in_maintenance/${intent.repair === 'manual' ? 'maintenance_manual' : `ticket_${intent.repair}`}`
    }
    if (intent.isMaintenance) return 'in_maintenance/maintenance_window'
    if (this.#broken !== null) return `needs_repair/${this.#broken}`
    const stop = silence ?? this.#standing(intent)
    if (stop !== null) {
      this.#standsFrom = this.#samples.length
      return `stopped/${stop}`
    }
    if (current.startsWith('stopped')) {
      if (newest === undefined) return current
      const row = this.#samples.slice(this.#standsFrom)
      const good = row.slice(row.findLastIndex((one) => !this.#isGood(one)) + 1)
      const first = good[0]
      if (first === undefined || newest.tS - first.tS < t.resumedApartS) {
        const isSlow = newest.r5Hs !== null && newest.r5Hs * 100 <= t.resumedPct * scaled(intent)
        return isSlow && !intent.isWindow && !intent.isRamp ? 'stopped/not_hashing' : current
      }
    }
    for (const cause of ['low_rate', 'low_delivered', 'shares_refused', 'chips_missing', 'inefficient']) {
      if (this.#under.has(cause)) return `underperforming/${cause}`
    }
    return IDLE
  }

  #standing(intent: Intent): string | null {
    const t = this.#thresholds
    const newest = this.#samples.at(-1)
    if (newest === undefined) return this.#answeredAt.length === 0 ? 'never_seen' : null
    if ((intent.isWindow || intent.isRamp) && (isLow(newest) === 'yes' || isAsleep(newest.sample)))
      return 'curtailed'
    if (isAsleep(newest.sample)) return 'paused'
    if (newest.sample.isHeatStopped) return 'overheated'
    if (isLow(newest) !== 'yes') return null
    const poolsDead = held(this.#samples, ({ sample }) => (sample.poolsAlive === 0 ? 'yes' : 'no'))
    if (newest.sample.poolsAlive === 0 && poolsDead >= t.noPoolS) return 'no_pool'
    const lowS = held(this.#samples, isLow)
    return !this.#isComingUp(newest) && lowS >= t.notHashingS ? 'not_hashing' : null
  }

  /** Whether the machine comes up at its newest sample, by all that is known now. */
  #isComingUp(newest: Kept): boolean {
    return newest.comesUp || newest.tS - this.#resumedS < this.#rampS
  }

  /** Whether a sample shows that the machine hashes again, by what was known until then. */
  #isGood(one: Kept): boolean {
    const { sample, r5Hs, intent } = one
    const known = this.#samples.slice(0, this.#samples.indexOf(one) + 1)
    const isRated = known.some((other) => other.sample.rateNowHs !== null)
    const hasRate = r5Hs === null ? !isRated : r5Hs * 100 > this.#thresholds.resumedPct * scaled(intent)
    return hasRate && !isAsleep(sample) && !sample.isHeatStopped
  }

  #silenceAt(atS: number): string | null {
    const t = this.#thresholds
    const silenceS = Math.max(300, 3 * this.#life.intervalS)
    const last = this.#contacts.at(-1) ?? -1
    const heard = this.#heardAt[0]
    if (atS - last >= silenceS) return 'node_unavailable'
    if (this.#isAway && (heard ?? -1e9) < this.#returnedAt()) {
      const graceS = Math.max(120, 2 * this.#life.intervalS)
      if (this.#listened(atS) - this.#listened(this.#returnedAt()) < graceS) return 'node_unavailable'
    }
    const answered = this.#answeredAt[0]
    if (answered === undefined || heard === undefined) return null
    const sinceS = (fromS: number): number => this.#listened(atS) - this.#listened(fromS)
    if (this.#failed >= t.failedPolls ? sinceS(answered) >= silenceS : sinceS(heard) >= silenceS)
      return 'unreachable'
    if (this.#unread >= t.failedPolls && sinceS(this.#goodAt[0] ?? this.#sinceS) >= silenceS)
      return 'unreadable'
    return null
  }

  #returnedAt(): number {
    const silenceS = Math.max(300, 3 * this.#life.intervalS)
    return (
      this.#contacts.findLast((atS, n) => n > 0 && atS - (this.#contacts[n - 1] ?? 0) >= silenceS) ?? -1e9
    )
  }

  /** Seconds until a time in which the node was listened to. */
  #listened(untilS: number): number {
    const n = this.#contacts.findLastIndex((atS) => atS < untilS)
    const fromS = this.#contacts[n]
    if (fromS === undefined) return 0
    return (this.#listenedTo[n] ?? 0) + Math.min(untilS - fromS, NODE_LISTENS_S)
  }

  #intentAt(atS: number): Intent {
    const on = this.#life.windows.filter(({ fromS, toS }) => fromS <= atS && atS < toS)
    const pctOf = (target: (typeof on)[number]['target']): number =>
      typeof target === 'object' && 'pct' in target ? target.pct : 0
    const pct = Math.min(100, ...on.map(({ target }) => pctOf(target)))
    const ended = this.#life.windows.filter(({ toS }) => toS <= atS && atS < toS + this.#rampS)
    return {
      isWindow: on.some(({ target }) => target !== 'maintenance'),
      isMaintenance: on.some(({ target }) => target === 'maintenance'),
      isRamp: ended.some(({ target }) => pctOf(target) < pct),
      repair: this.#life.repairs.find(({ fromS, toS }) => fromS <= atS && atS < toS)?.state ?? null,
      pct,
    }
  }
}

import type { Step } from './miner-counter.ts'

/**
 * The steps of an energy meter, which is a device of its own: a restart of the machine does not touch it. Where it falls the
 * interval is unknown. A meter that showed 0 for a while and comes back above what it had shown gives the difference to
 * that, without what was counted meanwhile: its steps never add up to more than it counted.
 */
export class MeterSteps {
  #last: number | null = null
  #beforeFall: number | null = null
  #sinceFall = 0

  next(value: number | null): Step & { readonly isReset: boolean } {
    if (value === null) return { delta: null, kind: 'missing', isReset: false }
    const last = this.#last
    this.#last = value
    if (last === null) return { delta: null, kind: 'first', isReset: false }
    if (value < last) {
      this.#beforeFall = Math.max(this.#beforeFall ?? 0, last)
      this.#sinceFall = 0
      return { delta: null, kind: 'decreased', isReset: true }
    }
    return { delta: this.#rise(value, last), kind: 'plain', isReset: false }
  }

  #rise(value: number, last: number): number {
    const before = this.#beforeFall
    if (before === null || value < before) {
      this.#sinceFall += value - last
      return value - last
    }
    this.#beforeFall = null
    return Math.max(0, value - before - this.#sinceFall)
  }
}

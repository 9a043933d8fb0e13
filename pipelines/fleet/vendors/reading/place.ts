import { isJsonObject } from '../../../json/json-object.ts'
import { durationS } from './durations.ts'
import { rateUnit, readNumber, readQuantity, readRate } from './quantities.ts'
import type { QuantityName, QuantityOptions } from './quantities.ts'
import { isSecretKey, publicUrl } from './secrets.ts'
import { flagOf, identityText, ipText, macText, shownText } from './texts.ts'
import type { Warnings } from './warnings.ts'

/**
 * A place in an answer, which may hold nothing: then everything below it holds nothing too, and every value is null. The
 * only way by which an adapter reads an answer. It never shows what is under a key that looks like a password, never
 * throws, and warns about what it drops.
 */
export class Place {
  readonly #raw: unknown
  /** The key by which the adapter came here; '' for an item of a list and for a key that the answer itself gave. */
  readonly #label: string
  readonly #warnings: Warnings

  constructor(raw: unknown, warnings: Warnings, label = '') {
    this.#raw = raw ?? undefined
    this.#label = label
    this.#warnings = warnings
  }

  /** False where nothing is here; a JSON null is nothing. */
  get isGiven(): boolean {
    return this.#raw !== undefined
  }

  get isList(): boolean {
    return Array.isArray(this.#raw)
  }

  get isObject(): boolean {
    return isJsonObject(this.#raw)
  }

  /** The place below: a member for a text, an item for a number. */
  at(...path: readonly (string | number)[]): Place {
    return path.reduce((place: Place, step) => place.#below(step), this)
  }

  /** The first of these members that is given; makers spell the same thing in several ways. */
  any(...keys: readonly string[]): Place {
    return keys.map((key) => this.at(key)).find(({ isGiven }) => isGiven) ?? this.at(keys[0] ?? '')
  }

  /** The items of a list, in its order; none where this is no list. */
  items(): Place[] {
    return Array.isArray(this.#raw) ? this.#raw.map((item: unknown) => new Place(item, this.#warnings)) : []
  }

  /** The members of an object by their keys, in its order; none where this is no object. */
  entries(): [string, Place][] {
    if (!isJsonObject(this.#raw)) return []
    return Object.entries(this.#raw)
      .filter(([key]) => !isSecretKey(key))
      .map(([key, value]) => [key, new Place(value, this.#warnings)])
  }

  /** A number with its unit, for what no quantity fits; null where it is none or not finite. */
  number(): number | null {
    return readNumber(this.#number())?.value ?? null
  }

  /** Whole H/s below 2^53; `unitHs` is the unit of a bare number: GIGA for GH/s. */
  rateHs(unitHs: number): number | null {
    return readRate(this.#number(), unitHs)
  }

  /** The rate that a device is made or set for: 0 says that it is not known. */
  nominalHs(unitHs: number): number | null {
    const rateHs = this.rateHs(unitHs)
    return rateHs === 0 ? null : rateHs
  }

  /** A unit of rates (`GH/s`) in H/s; null where none is written here. */
  rateUnitHs(): number | null {
    return typeof this.#raw === 'string' ? rateUnit(this.#raw) : null
  }

  temperatureC(options?: QuantityOptions): number | null {
    return this.#quantity('temperatureC', options)
  }

  /** A temperature where 0 says that there is no sensor. */
  sensorC(): number | null {
    return this.#quantity('temperatureC', { zeroIsNone: true })
  }

  powerW(options?: QuantityOptions): number | null {
    return this.#quantity('powerW', options)
  }

  /** A limit of watts, of which 0 says that none is set. */
  powerLimitW(): number | null {
    return this.#quantity('powerW', { zeroIsNone: true })
  }

  energyWh(options?: QuantityOptions): number | null {
    return this.#quantity('energyWh', options)
  }

  voltageV(options?: QuantityOptions): number | null {
    return this.#quantity('voltageV', options)
  }

  currentA(options?: QuantityOptions): number | null {
    return this.#quantity('currentA', options)
  }

  frequencyMhz(options?: QuantityOptions): number | null {
    return this.#quantity('frequencyMhz', options)
  }

  fanRpm(): number | null {
    return this.#quantity('fanRpm')
  }

  percent(options?: QuantityOptions): number | null {
    return this.#quantity('percent', options)
  }

  /** 0 to 1, of a percentage. */
  ratioOfPercent(): number | null {
    const percent = this.percent()
    return percent === null ? null : percent / 100
  }

  /** How many there are now: chips, boards, fans. */
  count(options?: QuantityOptions): number | null {
    return this.#quantity('count', options)
  }

  /** How many there were since the start: shares, difficulty. */
  counter(options?: QuantityOptions): number | null {
    return this.#quantity('counter', options)
  }

  /** Seconds as a number, or as a duration in a text. */
  seconds(options?: QuantityOptions): number | null {
    const duration = typeof this.#raw === 'string' ? durationS(this.#raw) : null
    return duration ?? this.#quantity('seconds', options)
  }

  /** A text for people. */
  text(): string | null {
    return shownText(this.#raw)
  }

  /** A text in lower case to be compared with words of the adapter; '' where there is none. It may not be passed on. */
  word(): string {
    return typeof this.#raw === 'string' ? this.#raw.trim().toLowerCase() : ''
  }

  /** A serial number and the like; null for "N/A", zeros and other placeholders. */
  identity(): string | null {
    return identityText(this.#raw)
  }

  mac(): string | null {
    return macText(this.#raw)
  }

  ip(): string | null {
    return ipText(this.#raw)
  }

  /** Without user, password, query and fragment. */
  poolUrl(): string | null {
    const text = typeof this.#raw === 'string' ? publicUrl(this.#raw.trim()) : null
    return shownText(text)
  }

  /** true, 1, "on", "Y", … */
  flag(): boolean | null {
    return flagOf(this.#raw)
  }

  #below(step: string | number): Place {
    if (typeof step === 'number') {
      return new Place(Array.isArray(this.#raw) ? this.#raw[step] : undefined, this.#warnings, this.#label)
    }
    const isThere = isJsonObject(this.#raw) && Object.hasOwn(this.#raw, step) && !isSecretKey(step)
    return new Place(isThere ? this.#raw[step] : undefined, this.#warnings, step)
  }

  #number(): { raw: unknown; label: string; warnings: Warnings } {
    return { raw: this.#raw, label: this.#label, warnings: this.#warnings }
  }

  #quantity(name: QuantityName, options?: QuantityOptions): number | null {
    return readQuantity(this.#number(), name, options)
  }
}

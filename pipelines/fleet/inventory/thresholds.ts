import { THRESHOLD_MAX } from '../../../schemas/fleet/inventory/bounds.ts'
import { RESTARTS_MAX, THRESHOLDS } from '../../../schemas/fleet/inventory/thresholds.ts'
import { DEFAULT_THRESHOLDS } from '../status/thresholds.ts'
import type { Thresholds } from '../status/thresholds.ts'

/**
 * Thresholds that a provider, a location or a model sets, by the names that `Thresholds` has in snake case. Those of a
 * location take the place of its provider's, and those of a model of both.
 */

type Numbers<Of> = { readonly [Name in keyof Of as Of[Name] extends number ? Name : never]: number }

/** The names of all thresholds that can be set. */
export const THRESHOLD_NAMES: ReadonlySet<string> = new Set(THRESHOLDS)

/** Whether a threshold has this name and may have this value. */
export function isThreshold(name: string, value: unknown): value is number {
  if (!THRESHOLD_NAMES.has(name) || typeof value !== 'number') return false
  return Number.isFinite(value) && value >= 0 && value <= (name === 'restarts' ? RESTARTS_MAX : THRESHOLD_MAX)
}

/** The thresholds that follow from those that are set: the later ones of the list win. */
export function thresholdsOf(set: readonly Readonly<Record<string, number>>[]): Thresholds {
  const values = Object.fromEntries(set.flatMap((one) => Object.entries(one)))
  if (Object.keys(values).length === 0) return DEFAULT_THRESHOLDS
  // The limit of a notification has the same name as the one of the status, which is meant.
  const { restarts: _, ...ofLimits } = values
  return {
    ...DEFAULT_THRESHOLDS,
    ...changed(DEFAULT_THRESHOLDS, values),
    limits: { ...DEFAULT_THRESHOLDS.limits, ...changed(DEFAULT_THRESHOLDS.limits, ofLimits) },
    plausible: { ...DEFAULT_THRESHOLDS.plausible, ...changed(DEFAULT_THRESHOLDS.plausible, values) },
  }
}

function changed<Of extends object>(of: Of, values: Readonly<Record<string, number>>): Partial<Numbers<Of>> {
  const entries = numbersIn(of).flatMap((name) => {
    const value = values[snakeOf(name)]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries) as Partial<Numbers<Of>>
}

function numbersIn(of: object): string[] {
  return Object.entries(of).flatMap(([name, value]) => (typeof value === 'number' ? [name] : []))
}

function snakeOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)
}

/** What is known of a worker's intended work. Null: it is not stated. */
export interface Intent {
  /** Contracted, or of the profile that the worker is set to. */
  readonly profileRateHs: number | null
  readonly profilePowerW: number | null
  /** The sticker: what the catalogue of models says. */
  readonly modelRateHs: number | null
  readonly modelPowerW: number | null
}

/** The bounds in which a rate, or a nominal rate that a device tells, is believed. Percent. */
export interface Plausibility {
  readonly nominalMinPct: number
  readonly nominalMaxPct: number
  readonly rateMinPct: number
  readonly rateMaxPct: number
}

/**
 * The intended rate H*, 0 if it is not known: contracted or of the profile; else what the device calls nominal, where the
 * sticker does not contradict it; else the sticker.
 */
export function intendedRateHs(intent: Intent, deviceNominalHs: number, plausible: Plausibility): number {
  if (intent.profileRateHs !== null) return intent.profileRateHs
  const sticker = intent.modelRateHs ?? 0
  const isBelieved =
    sticker === 0 ||
    (deviceNominalHs * 100 >= plausible.nominalMinPct * sticker &&
      deviceNominalHs * 100 <= plausible.nominalMaxPct * sticker)
  return deviceNominalHs > 0 && isBelieved ? deviceNominalHs : sticker
}

/**
 * The intended watts W*, 0 if they are not known: contracted or of the profile; else the sticker's, in the proportion in
 * which H* stands to the sticker's rate, since a device that says it is set to half its rate is not meant to use all its
 * watts.
 */
export function intendedPowerW(intent: Intent, intendedHs: number): number {
  if (intent.profilePowerW !== null) return intent.profilePowerW
  const { modelPowerW, modelRateHs } = intent
  if (modelPowerW === null) return 0
  if (modelRateHs === null || modelRateHs === 0 || intendedHs === 0) return modelPowerW
  return (modelPowerW * intendedHs) / modelRateHs
}

/**
 * A rate that a machine tells, or `null` where it cannot be: units are off by a thousand more often than machines are. Too
 * high is never believed. Too low is not believed of a machine that has told no believable rate since it started: one
 * that did, and fell, is dying, and what it says is true. 0 is always believed, and without a nominal rate everything is.
 */
export function believedRateHs(
  rateHs: number | null,
  nominalHs: number,
  plausible: Plausibility,
  isLowBelieved: boolean,
): number | null {
  if (rateHs === null || rateHs === 0 || nominalHs === 0) return rateHs
  if (rateHs * 100 > plausible.rateMaxPct * nominalHs) return null
  return isLowBelieved || rateHs * 100 >= plausible.rateMinPct * nominalHs ? rateHs : null
}

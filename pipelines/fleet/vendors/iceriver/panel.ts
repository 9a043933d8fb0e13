import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'

/** The one object in which the user panel says everything. */
export function panelOf({ answers }: AdapterInput): Place {
  const answer = answers.of('userpanel post=4', 'userpanel', 'user/userpanel post=4', 'user/userpanel')
  return answer.at('data')
}

/**
 * H/s of a rate of the panel. It is written with a letter of its own (`4.9T`), and the machine's may differ from that of its
 * boards; a bare number is in the unit that the panel names. Without either, a rate has no meaning.
 */
export function panelRateHs(rate: Place, panel: Place): number | null {
  const unitHs = panel.at('unit').rateUnitHs()
  const hasLetter = /[a-z]/.test(rate.word())
  return hasLetter || unitHs !== null ? rate.rateHs(unitHs ?? 1) : null
}

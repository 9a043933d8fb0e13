import type { BoardReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import { boardsAmong } from './chains.ts'
import { fansAmong } from './fans.ts'
import { labelUnitHs } from '../reading/label-unit.ts'
import { statsBody } from './stats-body.ts'
import type { Summary } from './summary.ts'
import { hottestOfText } from './temperatures.ts'

/** Chains and fans are numbered from 1; no firmware lists more. */
const CHAINS_MAX = 16
const FANS_MAX = 8

/** The generation until 2022: `GHS 5s`, `chain_rate1`, `temp2_1`. */
export function readOldStats(input: AdapterInput, stats: Place, summary: Summary): Reading {
  const { model } = input.context
  const body = statsBody(stats)
  const unitHs = labelUnitHs(input, body.at('rate_unit'))
  const rate = (own: string, inSummary = own): number | null =>
    body.at(own).rateHs(unitHs) ?? summary.body.at(inSummary).rateHs(unitHs)
  const rpms = listed(FANS_MAX, (n) => body.at(`fan${n}`)).map((fan) => fan.fanRpm())
  return {
    source_api: 'bitmain',
    hashrate_hs: {
      now: rate('GHS 5s'),
      '30m': rate('rate_30m', 'GHS 30m'),
      avg: rate('GHS av'),
    },
    hashrate_nominal_hs: body.at('total_rateideal').nominalHs(unitHs),
    hw_errors: summary.hwErrors,
    uptime_s: body.at('Elapsed').seconds() ?? summary.body.at('Elapsed').seconds(),
    fans: fansAmong(rpms, body.at('fan_num').count(), model),
    boards: boardsOf(input, body, unitHs),
  }
}

/** The places with the numbers 1 to the last one that is given; none where none is. */
function listed(countMax: number, placeOf: (n: number) => Place): Place[] {
  const places = Array.from({ length: countMax }, (_, index) => placeOf(index + 1))
  return places.slice(0, places.findLastIndex(({ isGiven }) => isGiven) + 1)
}

function boardsOf(input: AdapterInput, body: Place, unitHs: number): BoardReading[] | null {
  const chains = listed(CHAINS_MAX, (n) => body.any(`chain_acn${n}`, `chain_rate${n}`))
  if (chains.length === 0) return null
  const boards = chains.map((_, slot) => boardOf(input, body, slot, unitHs))
  return boardsAmong(boards, input.context.model)
}

/** `temp1` is the board's sensor and `temp2_1` that of a chip, not the other way round. */
function boardOf({ warnings }: AdapterInput, body: Place, slot: number, unitHs: number): BoardReading {
  const n = slot + 1
  const chips = body.at(`chain_acn${n}`).count()
  const rateHs = body.at(`chain_rate${n}`).rateHs(unitHs)
  const hottest = (key: string): number | null => hottestOfText(body.at(key), key, warnings)
  if (chips === 0) return { slot, present: false, hashrate_hs: rateHs, chips }
  return {
    slot,
    present: chips === null && rateHs === null ? null : true,
    hashrate_hs: rateHs,
    nominal_hs: body.at(`chain_rateideal${n}`).nominalHs(unitHs),
    temp_board_c: hottest(`temp_pcb${n}`) ?? body.at(`temp${n}`).sensorC(),
    temp_chip_c: hottest(`temp_chip${n}`) ?? body.at(`temp2_${n}`).sensorC(),
    chips,
    freq_mhz: body.any(`freq${n}`, `freq_avg${n}`, 'frequency').frequencyMhz({ zeroIsNone: true }),
    hw_errors: body.at(`chain_hw${n}`).counter(),
  }
}

import { MEGA, TERA } from '../../../../schemas/units.ts'
import { sumOfAll } from '../../sums.ts'
import type { FanReading, PsuReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import { usedFans } from '../reading/used-fans.ts'
import { boardsOf } from './boards.ts'
import { errorsOf } from './errors.ts'
import { modeOf } from './mode.ts'
import { poolsOf } from './pools.ts'

/** The connectors for fans are numbered from 1. */
const FANS_MAX = 12

/**
 * ePIC's PowerPlay, for control boards of its own in other makers' machines. The machine's rate now is the sum of its boards'.
 * The serial number among the control board's facts is not the machine's.
 */
export function readEpic(input: AdapterInput): Reading {
  const { answers } = input
  const summary = answers.of('/summary')
  const facts = answers.of('/capabilities')
  const network = answers.of('/network')
  const address = network.at('dhcp').isObject ? network.at('dhcp') : network.at('static')
  const session = summary.at('Session')
  const supply = summary.at('Power Supply Stats')
  const boards = boardsOf(summary, facts.at('Board Serial Numbers'))
  const enabled = (boards ?? []).filter((board) => board.enabled !== false && board.present !== false)
  return {
    source_api: 'epic',
    algorithm: summary.at('Mining', 'Algorithm').text(),
    model: facts.at('Model').text(),
    firmware: 'PowerPlay',
    fw_ver: summary.at('Software').text(),
    serial: facts.at('Miner Serial Number').identity(),
    mac: address.at('mac_address').mac(),
    ip: address.at('address').ip(),
    hostname: summary.at('Hostname').text(),
    hashrate_hs: {
      now: sumOfAll(enabled.map(({ hashrate_hs: rate }) => rate ?? null)),
      avg: session.at('Average MHs').rateHs(MEGA),
    },
    hashrate_sticker_hs: facts.at('Default Hashrate').nominalHs(TERA),
    power_w: supply.at('Input Power').powerW(),
    power_source: 'miner',
    uptime_s: session.at('Uptime').seconds(),
    fans: fansOf(summary, input),
    boards,
    psus: supply.isObject ? [psuOf(supply)] : null,
    pools: poolsOf(input, summary),
    shares: { accepted: session.at('Accepted').counter(), rejected: session.at('Rejected').counter() },
    ...modeOf(summary),
    errors: errorsOf(summary.at('Status')),
  }
}

/** Null where no fan is fitted; one speed is set for all. */
function fansOf(summary: Place, { context }: AdapterInput): FanReading[] | null {
  const list = summary.at('Fans Rpm')
  if (!list.isObject) return null
  const pct = summary.at('Fans', 'Fans Speed').percent()
  const shown = Array.from({ length: FANS_MAX }, (_, index) => list.at(`Fans Speed ${index + 1}`)).flatMap(
    (fan, index) => (fan.isGiven ? [{ index, rpm: fan.fanRpm(), pct }] : []),
  )
  return usedFans(shown, context.model)
}

/** A supply that answers has volts, and amperes where there are watts: 0 is not measured. */
function psuOf(supply: Place): PsuReading {
  return {
    in_w: supply.at('Input Power').powerW(),
    in_v: supply.at('Input Voltage').voltageV({ zeroIsNone: true }),
    in_a: supply.at('Input Current').currentA({ zeroIsNone: true }),
    out_w: supply.at('Output Power').powerW({ zeroIsNone: true }),
    out_v: supply.at('Output Voltage').voltageV({ zeroIsNone: true }),
    out_a: supply.at('Output Current').currentA({ zeroIsNone: true }),
  }
}

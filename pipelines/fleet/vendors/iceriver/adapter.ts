import { SECOND_MS } from '../../../../schemas/units.ts'
import { parseRfc3339 } from '../../../json/rfc3339.ts'
import type { Reading } from '../../reading.ts'
import { sumOfAll } from '../../sums.ts'
import type { AdapterInput } from '../adapter.ts'
import { deviceTime } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'
import { usedFans } from '../reading/used-fans.ts'
import { readAlarms } from './alarms.ts'
import { readBoards, readFlow } from './boards.ts'
import { panelOf, panelRateHs } from './panel.ts'
import { readPools } from './pools.ts'

/**
 * IceRiver's stock firmware: one answer of its web interface, the user panel. It gives no watts, and no window but the present
 * and the average since the start.
 */
export function readIceriver(input: AdapterInput): Reading {
  const panel = panelOf(input)
  const boards = readBoards(panel)
  const fans = panel.at('fans')
  return {
    source_api: 'iceriver',
    model: panel.at('model').identity(),
    fw_ver: panel.at('softver1').text(),
    mac: panel.at('mac').mac(),
    ip: panel.at('ip').ip(),
    hostname: panel.at('host').text(),
    device_time: clockOf(input, panel),
    hashrate_hs: { now: panelRateHs(panel.at('rtpow'), panel), avg: panelRateHs(panel.at('avgpow'), panel) },
    hashrate_nominal_hs: sumOfAll((boards ?? []).map(({ nominal_hs: nominal }) => nominal ?? null)),
    uptime_s: panel.at('runtime').seconds(),
    temp_c: readFlow(panel),
    fans: fans.isList
      ? usedFans(
          fans.items().map((fan, index) => ({ index, rpm: fan.fanRpm() })),
          input.context.model,
        )
      : null,
    boards,
    pools: readPools(input, panel),
    // The firmware cannot sleep; it says only whether mining is on. An alarm is no intent.
    is_mining: panel.at('online').flag(),
    errors: readAlarms(panel),
  }
}

const UTC_TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) utc$/

/** `2026-05-04 03:02:01 UTC`; another zone is not read. */
function clockOf({ collectedAtMs, warnings }: AdapterInput, panel: Place): string | null {
  const [, date, time] = UTC_TIME.exec(panel.at('refTime').word()) ?? []
  const atMs = date === undefined ? null : parseRfc3339(`${date}T${time}Z`)
  return deviceTime(atMs === null ? null : atMs / SECOND_MS, collectedAtMs, warnings)
}

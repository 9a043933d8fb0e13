import type { FanReading } from '../../reading.ts'
import type { ModelRecord } from '../../poll.ts'
import type { Place } from '../reading/place.ts'

/**
 * One fan, or two: firmware with a list of fans shows those that are there; any other always shows a second one, which stands
 * still where there is none. So a second fan counts where the machine or its model has two, or where it turns.
 */
export function readFans(info: Place, model: ModelRecord | null): FanReading[] | null {
  const list = info.at('fans')
  if (list.isList) {
    return list.items().map((fan, index) => ({
      index,
      rpm: fan.at('rpm').fanRpm(),
      pct: fan.at('speedPerc').percent(),
    }))
  }
  if (!info.at('fanrpm').isGiven && !info.at('fanspeed').isGiven) return null
  const first = { index: 0, rpm: info.at('fanrpm').fanRpm(), pct: info.at('fanspeed').percent() }
  const second = {
    index: 1,
    rpm: info.any('fan2rpm', 'fanrpm2').fanRpm(),
    pct: info.at('fanspeed2').percent(),
  }
  const count = info.at('fanCount').count() ?? model?.fans ?? 1
  if (count === 0 && (first.rpm ?? 0) === 0) return []
  return (second.rpm ?? 0) > 0 || (count > 1 && second.rpm !== null) ? [first, second] : [first]
}

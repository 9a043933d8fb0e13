import type { GpuReading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { Place } from '../reading/place.ts'
import { busNumber } from './bus.ts'
import type { CardTable } from './table.ts'
import { COLUMNS, cardTable } from './table.ts'

const REQUESTS = ['query-gpu', 'nvidia-smi', 'nvidia-smi --query-gpu'] as const

export interface SmiReading {
  readonly cards: readonly GpuReading[]
  readonly lost: number
}

/** What `nvidia-smi` prints of the cards, in its order; null where the answer is missing or, with a warning, no table. */
export function readSmi({ answers, warnings }: AdapterInput): SmiReading | null {
  const request = REQUESTS.find((name) => answers.text(name) !== null)
  if (request === undefined) return null
  const table: CardTable | null = cardTable(answers.text(request) ?? '')
  if (table === null) {
    warnings.note('answer_unusable', request)
    return null
  }
  return { cards: table.rows.map((row) => cardOf(new Place(row, warnings))), lost: table.lost }
}

/** The cells carry their units, or not; what a card cannot measure is a word in brackets. */
function cardOf(row: Place): GpuReading {
  const of = (column: keyof typeof COLUMNS): Place => row.any(...COLUMNS[column])
  return {
    bus: busNumber(of('bus').word()),
    model: of('name').text(),
    temp_c: of('temperature').sensorC(),
    mem_temp_c: of('memoryTemperature').sensorC(),
    fan_pct: of('fan').percent(),
    power_w: of('power').powerW(),
    power_limit_w: of('powerLimit').powerLimitW(),
    core_mhz: of('coreClock').frequencyMhz(),
    mem_mhz: of('memoryClock').frequencyMhz(),
    util_pct: of('utilization').percent(),
  }
}

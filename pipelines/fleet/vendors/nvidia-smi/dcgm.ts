import { HOUR_MS } from '../../../../schemas/units.ts'
import type { ErrorReading, GpuReading } from '../../reading.ts'
import { sumOfAll } from '../../sums.ts'
import type { AdapterInput } from '../adapter.ts'
import { Place } from '../reading/place.ts'
import { busNumber } from './bus.ts'

const REQUESTS = ['dcgm', 'dcgm-exporter', 'metrics'] as const
const LINE = /^DCGM_FI_(?:DEV|PROF)_(\w+)\{(.*)\}\s+(\S+)(?:\s+\d+)?$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

export interface DcgmReading {
  readonly cards: readonly GpuReading[]
  /** Since the driver was loaded; null where a card does not say it. */
  readonly energyWh: number | null
  readonly errors: readonly ErrorReading[] | null
}

/** The metrics of NVIDIA's exporter in the form of Prometheus; null where the answer is missing or, with a warning, has none. */
export function readDcgm({ answers, warnings }: AdapterInput): DcgmReading | null {
  const request = REQUESTS.find((name) => answers.text(name) !== null)
  if (request === undefined) return null
  const cards = cardsIn(answers.text(request) ?? '').map((card) => new Place(card, warnings))
  if (cards.length === 0) {
    warnings.note('answer_unusable', request)
    return null
  }
  // Watts times milliseconds are millijoules: a watt-hour has as many of them as an hour has milliseconds.
  const per = HOUR_MS
  const codes = cards.map((card) => card.at('XID_ERRORS'))
  return {
    cards: cards.map(cardOf),
    energyWh: sumOfAll(cards.map((card) => card.at('TOTAL_ENERGY_CONSUMPTION').energyWh({ per }))),
    errors: codes.some(({ isGiven }) => isGiven) ? codes.flatMap(errorOf) : null,
  }
}

/** Labels and values of each card, in the order in which the cards first appear. */
function cardsIn(text: string): Record<string, string>[] {
  const byCard = new Map<string, Record<string, string>>()
  for (const line of text.split(/\r?\n/)) {
    const [, metric, labelText = '', value] = LINE.exec(line.trim()) ?? []
    if (metric === undefined || value === undefined) continue
    const labels = Object.fromEntries([...labelText.matchAll(LABEL)].map(([, name, label]) => [name, label]))
    const name = labels['gpu'] ?? labels['UUID']
    if (name === undefined) continue
    byCard.set(name, { ...labels, ...byCard.get(name), [metric]: value })
  }
  return [...byCard.values()]
}

function cardOf(card: Place): GpuReading {
  return {
    bus: busNumber(card.at('pci_bus_id').word()),
    model: card.at('modelName').text(),
    temp_c: card.at('GPU_TEMP').sensorC(),
    mem_temp_c: card.at('MEMORY_TEMP').sensorC(),
    fan_pct: card.at('FAN_SPEED').percent(),
    power_w: card.at('POWER_USAGE').powerW(),
    power_limit_w: card.at('POWER_MGMT_LIMIT').powerLimitW(),
    core_mhz: card.at('SM_CLOCK').frequencyMhz(),
    mem_mhz: card.at('MEM_CLOCK').frequencyMhz(),
    util_pct: card.at('GPU_UTIL').percent(),
  }
}

/** The last code of the driver, not how many there were; 0 is none. */
function errorOf(code: Place): ErrorReading[] {
  const xid = code.count()
  return xid === null || xid === 0 ? [] : [{ vendor_code: `xid:${xid}`, component: 'device' }]
}

import { MEGA } from '../../../../schemas/units.ts'
import type { BoardReading } from '../../reading.ts'
import { largest } from '../../sums.ts'
import type { AdapterInput } from '../adapter.ts'
import { meanOfKnown } from '../reading/mean.ts'
import type { Place } from '../reading/place.ts'

/** What several answers say of one board; each of them may be missing. */
interface BoardPlaces {
  readonly device: Place
  readonly temperature: Place
  readonly frequency: Place
  readonly serial: Place
}

/**
 * The boards, of which each answer says a part. They are numbered from 1, since 0 is the control board; the list of serial
 * numbers has them in order. A machine that sleeps still shows the rates of its boards from before: those are no readings.
 */
export function readBoards({ answers, context }: AdapterInput, isAsleep: boolean): BoardReading[] | null {
  const devices = answers.of('devs').at('DEVS').items()
  const temperatures = answers.of('temperature').at('Temperature').items()
  const frequencies = answers.of('frequency').at('Frequency').items()
  const serials = answers.of('ipreport').at('IPReport', 0, 'HBSerialNo').items()
  const numbers = [
    ...[...devices, ...temperatures, ...frequencies].map(boardNumber),
    ...serials.map((serial, at) => (serial.identity() === null ? null : at + 1)),
  ].filter((number) => number !== null)
  if (numbers.length === 0) return null
  const nowhere = answers.of()
  const find = (entries: readonly Place[], number: number): Place =>
    entries.find((entry) => boardNumber(entry) === number) ?? nowhere
  const chips = chipsOfEach(answers.of('asccount').at('ASCCount', 0), context.model?.chipsPerBoard ?? null)
  return [...new Set(numbers)].map((number) => {
    const places = {
      device: find(devices, number),
      temperature: find(temperatures, number),
      frequency: find(frequencies, number),
      serial: serials[number - 1] ?? nowhere,
    }
    return boardOf(number - 1, places, { isAsleep, chips })
  })
}

/** Null for the control board, and for an entry without a number. */
function boardNumber(entry: Place): number | null {
  const number = entry.at('ID').count()
  return number === null || number === 0 || entry.at('Name').word().includes('control') ? null : number
}

/** What holds for each board alike. */
interface OfAllBoards {
  readonly isAsleep: boolean
  readonly chips: number | null
}

function boardOf(
  slot: number,
  { device, temperature, frequency, serial }: BoardPlaces,
  { isAsleep, chips }: OfAllBoards,
): BoardReading {
  const rateHs = device.at('MHS 5s').rateHs(MEGA)
  return {
    slot,
    present: isAsleep || device.at('Status').word() !== 'dead',
    enabled: device.at('Enabled').flag(),
    serial: serial.identity(),
    hashrate_hs: isAsleep ? null : rateHs,
    temp_board_c: hottest(temperature.at('BoardTemp')) ?? device.at('Temperature').sensorC(),
    temp_chip_c: hottest(temperature.at('ChipTemp')),
    chips,
    freq_mhz: meanOfKnown(
      frequency
        .at('ChipFrequency')
        .items()
        .map((chip) => chip.at('Frequency').frequencyMhz({ zeroIsNone: true })),
    ),
  }
}

function hottest(sensors: Place): number | null {
  return largest(sensors.items().map((sensor) => sensor.at('Temperature').sensorC()))
}

/**
 * The machine counts chips as a whole. Only where all of them are there is it known how many each board has: a chip that is
 * missing may be on any board.
 */
function chipsOfEach(count: Place, chipsPerBoard: number | null): number | null {
  const chips = count.at('AsicCount').count()
  const boards = count.at('BoardCount').count()
  if (chips === null || boards === null || chipsPerBoard === null) return null
  return chips > 0 && chips === boards * chipsPerBoard ? chipsPerBoard : null
}

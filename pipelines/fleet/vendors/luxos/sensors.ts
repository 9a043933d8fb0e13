import { largest, smallest } from '../../sums.ts'
import type { Place } from '../reading/place.ts'

const CORNERS = ['TopLeft', 'TopRight', 'BottomLeft', 'BottomRight'] as const

/** What the sensors at the corners of the boards say. */
export interface Sensors {
  /** The coolest of those where the air comes in, the hottest of those where it goes out; null where no label says which. */
  readonly inletC: number | null
  readonly outletC: number | null
  /** The hottest corner by the slot of its board. */
  readonly hottest: ReadonlyMap<number, number>
}

/** Which corner is at the intake and which at the exhaust differs by machine: the answer's labels tell. 0 is no reading. */
export function sensorsOf(answer: Place): Sensors {
  const boards = answer.at('TEMPS').items()
  const labels = answer.at('METADATA', 0)
  const isAt = (corner: string, words: RegExp): boolean => words.test(labels.at(corner, 'Label').word())
  const readings = (words: RegExp): (number | null)[] =>
    CORNERS.filter((corner) => isAt(corner, words)).flatMap((corner) =>
      boards.map((board) => board.at(corner).sensorC()),
    )
  const hottest = boards.flatMap((board, at): [number, number][] => {
    const slot = board.any('ID', 'TEMP').count() ?? at
    const temperature = largest(CORNERS.map((corner) => board.at(corner).sensorC()))
    return temperature === null ? [] : [[slot, temperature]]
  })
  return {
    inletC: smallest(readings(/intake|inlet/)),
    outletC: largest(readings(/exhaust|outlet/)),
    hottest: new Map(hottest),
  }
}

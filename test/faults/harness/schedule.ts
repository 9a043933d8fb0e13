import { seededDice } from '../../../infra/local/sample/random.ts'
import type { Dice } from '../../../infra/local/sample/random.ts'
import type { Fault, Lane } from './fault.ts'

/** One fault of a round, by name: a schedule is data, and can be kept and replayed. */
export interface Planned {
  readonly fault: string
  readonly lane: Lane
  /** Which of the two instances of the service is struck. */
  readonly target: 1 | 2
  /** The seed of the fault's own chance. */
  readonly seed: number
}

/** Faults that strike at the same time; a fault on the world is alone in its round. */
export type Round = readonly Planned[]

/** How often a service is struck in a round of service faults. */
const SERVICE_SHARE = 0.8

interface Kind {
  readonly fault: Fault
  readonly lane: Lane
}

/**
 * Plans at least `count` faults from a seed: every kind on every lane that it knows before any is repeated. Faults of the
 * world are spread among the others, which come up to one per lane in a round. With `isWorldWhole` there are as many
 * faults of the world as it takes for each of them to strike, at the end if chance did not bring it before.
 */
export function plan(faults: readonly Fault[], count: number, seed: number, isWorldWhole = false): Round[] {
  const dice = seededDice(seed)
  const kinds = faults.flatMap((fault) =>
    fault.lanes.flatMap((lane) => Array.from({ length: fault.weight ?? 1 }, (): Kind => ({ fault, lane }))),
  )
  if (kinds.length === 0) return []
  const ofLane = Map.groupBy(kinds, ({ lane }) => lane)
  const queues = new Map([...ofLane].map(([lane, some]) => [lane, new Deck(some, dice)]))
  const services = [...queues.keys()].filter((lane) => lane !== 'world')
  const world = queues.get('world')
  const worldKinds = world?.size ?? 0
  const perRound = SERVICE_SHARE * services.length
  // The share of rounds that strike the world: a round of the world is one fault, any other has `perRound` of them.
  const worldShare = isWorldWhole
    ? (perRound * worldKinds) / (count + (perRound - 1) * worldKinds)
    : (1.5 * worldKinds) / kinds.length
  const rounds: Round[] = []
  for (let planned = 0; planned < count; ) {
    const isWorld = world !== undefined && (services.length === 0 || dice.next() < worldShare)
    const kindsOfRound = isWorld
      ? [world.next()]
      : services.filter(() => dice.next() < SERVICE_SHARE).map((lane) => (queues.get(lane) as Deck).next())
    if (kindsOfRound.length === 0) continue
    rounds.push(kindsOfRound.map(planOf))
    planned += kindsOfRound.length
  }
  for (const kind of isWorldWhole ? (world?.untilWhole() ?? []) : []) rounds.push([planOf(kind)])
  return rounds

  function planOf({ fault, lane }: Kind): Planned {
    const target = dice.next() < 0.5 ? 1 : 2
    return { fault: fault.name, lane, target, seed: dice.between(1, 2 ** 31) }
  }
}

/** Kinds in a random order, all of them before any is repeated. */
class Deck {
  readonly #kinds: readonly Kind[]
  readonly #dice: Dice
  #left: Kind[] = []
  #dealt = 0

  constructor(kinds: readonly Kind[], dice: Dice) {
    this.#kinds = kinds
    this.#dice = dice
  }

  /** The kinds that have not come yet, in a random order. */
  *untilWhole(): Generator<Kind> {
    while (this.#dealt < this.#kinds.length) yield this.next()
  }

  get size(): number {
    return this.#kinds.length
  }

  next(): Kind {
    if (this.#left.length === 0) this.#left = [...this.#kinds]
    const [kind] = this.#left.splice(this.#dice.between(0, this.#left.length - 1), 1)
    this.#dealt++
    return kind as Kind
  }
}

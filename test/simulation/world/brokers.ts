import type { BrokerId } from '../../../pipelines/kafka/produce/wire.ts'
import { NoAnswer } from './process.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Timeline } from './timeline.ts'

/** The value of `min.insync.replicas` where there are three brokers. */
const IN_SYNC_MIN = 2
/** An orderly move takes the leaderships from a broker one after the other. */
const MOVE_MS_MAX = 300

interface Broker {
  readonly id: BrokerId
  /**
   * `cut`: clients reach it and its peers do not, so it believes the last news that it got, and no append to it
   * completes.
   */
  state: 'up' | 'hung' | 'cut' | 'down'
  /** The leaders at the moment when it was cut off. */
  lastHeard: ReadonlyMap<string, BrokerId>
  /**
   * The controller has given it up, or it left in order: it leads nothing that another broker can lead, and is not in
   * sync.
   */
  isFenced: boolean
  /** Counts its troubles: the end of an older trouble changes nothing any more. */
  trouble: number
  /** Breaks the requests that it works on. */
  readonly connections: Set<() => void>
  /** Called when a hung broker goes on. */
  held: (() => void)[]
}

interface Leadership {
  leader: BrokerId
  /** The leader that brokers name in their answers: the news of a move takes a while. */
  named: BrokerId
  /** Counts its moves: news that is older than the newest is ignored. */
  moves: number
  /** A coordinator reads its log before it serves. */
  loadedAtMs: number
}

export interface BrokersOptions {
  readonly timeline: Timeline
  readonly random: SeededRandom
  readonly count: number
  /** How long the news of a move takes. */
  readonly newsMs: () => number
  readonly trace: (who: string, what: string) => void
}

/**
 * The brokers of a simulated cluster: which of them are up, which one leads what, and how leaderships move. A name has a
 * leader: a partition ("topic/0"), a transactional id, a group. What was acknowledged is on every replica in sync, so a
 * move loses none of it.
 */
export class Brokers {
  readonly ids: readonly BrokerId[]
  /** A leadership has moved. */
  onMoved: (name: string) => void = () => {}
  /** A broker has come, gone or been given up. */
  onChanged: () => void = () => {}
  readonly #timeline: Timeline
  readonly #random: SeededRandom
  readonly #newsMs: () => number
  readonly #trace: (who: string, what: string) => void
  readonly #brokers: readonly Broker[]
  readonly #leaderships = new Map<string, Leadership>()
  #waiting: (() => void)[] = []

  constructor({ timeline, random, count, newsMs, trace }: BrokersOptions) {
    this.#timeline = timeline
    this.#random = random
    this.#newsMs = newsMs
    this.#trace = trace
    this.#brokers = Array.from({ length: count }, (_, index) => ({
      id: index + 1,
      state: 'up',
      lastHeard: new Map(),
      isFenced: false,
      trouble: 0,
      connections: new Set(),
      held: [],
    }))
    this.ids = this.#brokers.map(({ id }) => id)
  }

  leaderOf(name: string): BrokerId {
    return this.#leadership(name).leader
  }

  /** The leaders as a broker that answers reports them. Throws `NoAnswer` where no broker answers. */
  news(): (name: string) => BrokerId {
    const reachable = this.#brokers.filter(({ state }) => state === 'up' || state === 'cut')
    if (reachable.length === 0) throw new NoAnswer('no broker answers', { wasSent: false })
    const { state, lastHeard } =
      reachable.length === 1 ? (reachable[0] as Broker) : this.#random.pick(reachable)
    return (name) => (state === 'cut' ? lastHeard.get(name) : undefined) ?? this.#leadership(name).named
  }

  /** True: its leader is new, and does not know yet what was decided under the former leader. */
  isLoading(name: string): boolean {
    return this.#timeline.nowMs < this.#leadership(name).loadedAtMs
  }

  /** True: the leader of the name answers. */
  isServed(name: string): boolean {
    return this.#broker(this.leaderOf(name)).state === 'up'
  }

  /** True: the broker gets no news of moves, and its peers get nothing of what it appends. */
  isCutOff(id: BrokerId): boolean {
    return this.#broker(id).state === 'cut'
  }

  /** False: a replica in sync is silent, and nothing new is acknowledged until it is given up or comes back. */
  get canReplicate(): boolean {
    return this.#brokers.every(({ state, isFenced }) => state === 'up' || isFenced)
  }

  /** True: fewer replicas are in sync than a write needs. */
  get isShort(): boolean {
    const inSync = this.#brokers.filter(({ isFenced }) => !isFenced).length
    return inSync < Math.min(IN_SYNC_MIN, this.#brokers.length)
  }

  /** Resolves at the next moment at which replicas may do what they could not before. */
  changed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    return promise
  }

  /**
   * A request that has arrived at a broker: a dead broker refuses it, a hung one answers when it goes on, and a request
   * in work breaks when the broker dies.
   */
  serve<T>(id: BrokerId, apply: () => T | Promise<T>): T | Promise<T> {
    const broker = this.#broker(id)
    if (broker.state === 'down') throw new NoAnswer(`broker ${id} takes no connection`, { wasSent: false })
    if (broker.state === 'up' || broker.state === 'cut') {
      const result = apply()
      return result instanceof Promise ? this.#unbroken(broker, result) : result
    }
    return this.#unbroken(
      broker,
      this.#goesOn(broker).then(() => this.serve(id, apply)),
    )
  }

  /** The leadership moves to another broker that is up, if there is one. */
  move(name: string): void {
    const leadership = this.#leadership(name)
    const others = this.#brokers.filter(
      ({ id, state, isFenced }) => id !== leadership.leader && state === 'up' && !isFenced,
    )
    if (others.length === 0) return
    leadership.leader = this.#random.pick(others).id
    leadership.loadedAtMs = this.#timeline.nowMs + this.#newsMs()
    const order = ++leadership.moves
    this.#timeline.after(this.#newsMs(), () => {
      if (order === leadership.moves) leadership.named = leadership.leader
    })
    this.#trace(`broker-${leadership.leader}`, `leads ${name}`)
    this.onMoved(name)
  }

  /** The names that have leaders, oldest first. */
  names(): string[] {
    return [...this.#leaderships.keys()]
  }

  /** An orderly end: leaderships go first, then the broker; it comes back after `downMs`. */
  stop(id: BrokerId, downMs: number): void {
    const broker = this.#broker(id)
    if (broker.state !== 'up' || broker.isFenced) return
    this.#trace(`broker-${id}`, 'is told to end')
    const trouble = ++broker.trouble
    const isOurs = (): boolean => broker.trouble === trouble
    this.#moveAll(broker, isOurs)
    this.#timeline.after(MOVE_MS_MAX, () => {
      if (!isOurs()) return
      broker.isFenced = this.#brokers.length > 1
      this.#die(broker)
    })
    this.#timeline.after(MOVE_MS_MAX + downMs, () => {
      if (isOurs()) this.#return(broker)
    })
  }

  /**
   * The broker dies, hangs, or is cut off from its peers, for `forMs`; the controller gives it up after `failoverMs`,
   * unless it is back before.
   */
  fail(id: BrokerId, how: 'kill' | 'hang' | 'cut', forMs: number, failoverMs: number): void {
    const broker = this.#broker(id)
    if (broker.state !== 'up') return
    const trouble = ++broker.trouble
    const isOurs = (): boolean => broker.trouble === trouble
    if (how === 'kill') this.#die(broker)
    else {
      broker.state = how === 'cut' ? 'cut' : 'hung'
      broker.lastHeard = new Map(Array.from(this.#leaderships, ([name, { named }]) => [name, named]))
      this.#trace(`broker-${id}`, how === 'cut' ? 'is cut off from its peers' : 'hangs')
    }
    this.#timeline.after(failoverMs, () => {
      if (!isOurs() || broker.state === 'up' || this.#brokers.length === 1) return
      broker.isFenced = true
      this.#trace(`broker-${id}`, 'is given up')
      this.#moveAll(broker, isOurs)
      this.#changed()
    })
    this.#timeline.after(forMs, () => {
      if (isOurs()) this.#return(broker)
    })
  }

  /** All brokers are up, and stay up. */
  heal(): void {
    for (const broker of this.#brokers) {
      broker.trouble++
      if (broker.state !== 'up' || broker.isFenced) this.#return(broker)
    }
  }

  #moveAll(broker: Broker, isOurs: () => boolean): void {
    for (const [name, { leader }] of this.#leaderships) {
      if (leader !== broker.id) continue
      this.#timeline.after(this.#random.int(0, MOVE_MS_MAX), () => {
        if (isOurs() && this.leaderOf(name) === broker.id) this.move(name)
      })
    }
  }

  #die(broker: Broker): void {
    broker.state = 'down'
    this.#trace(`broker-${broker.id}`, 'dies')
    for (const breakOff of broker.connections) breakOff()
  }

  #return(broker: Broker): void {
    broker.state = 'up'
    broker.isFenced = false
    this.#trace(`broker-${broker.id}`, 'is back')
    const held = broker.held.splice(0)
    for (const goOn of held) this.#timeline.after(0, goOn)
    this.#changed()
  }

  #changed(): void {
    this.onChanged()
    for (const resolve of this.#waiting.splice(0)) this.#timeline.after(0, resolve)
  }

  #goesOn(broker: Broker): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    broker.held.push(resolve)
    return promise
  }

  async #unbroken<T>(broker: Broker, work: Promise<T>): Promise<T> {
    const { promise: broken, reject } = Promise.withResolvers<never>()
    const breakOff = (): void =>
      reject(new NoAnswer(`the connection to broker ${broker.id} broke`, { isCut: true }))
    broker.connections.add(breakOff)
    try {
      const [settled] = await Promise.race([Promise.allSettled([work]), broken])
      // The result of a request that came while the broker hung is sent when it goes on; one that is cut off learns of
      // the move then.
      while (broker.state === 'hung' || broker.state === 'cut') {
        await Promise.race([this.#goesOn(broker), broken])
      }
      if (settled.status === 'rejected') throw settled.reason
      return settled.value
    } finally {
      broker.connections.delete(breakOff)
    }
  }

  #broker(id: BrokerId): Broker {
    const broker = this.#brokers[id - 1]
    if (broker === undefined) throw new NoAnswer(`there is no broker ${id}`, { wasSent: false })
    return broker
  }

  #leadership(name: string): Leadership {
    let leadership = this.#leaderships.get(name)
    if (leadership === undefined) {
      const { id } = this.#brokers.length === 1 ? this.#broker(1) : this.#random.pick(this.#brokers)
      this.#leaderships.set(name, (leadership = { leader: id, named: id, moves: 0, loadedAtMs: 0 }))
    }
    return leadership
  }
}

import type { Clock } from '../../../pipelines/clock.ts'
import type { Logger } from '../../../pipelines/logger.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import { describeError } from '../../runtime/exit.ts'
import type { MachinePolls, Polled } from './machine-polls.ts'
import { nextDue } from './schedule.ts'
import type { Due } from './schedule.ts'

/** Machines that are polled at once: a poll of one that is silent takes seconds, and must not hold up the others. */
export const POLLS_AT_ONCE_MAX = 500

export interface PollLoopParts {
  readonly machines: readonly MachinePolls[]
  readonly intervalS: number
  readonly pollsAtOnceMax?: number
  /** Since the boot. */
  readonly bootMs: () => number
  readonly clock: Clock
  readonly logger: Logger
  readonly polled: (polls: MachinePolls, polled: Polled, atBootMs: number) => Promise<void>
}

/** Polls each machine once in each round, spread over the interval, until the signal. */
export class PollLoop {
  readonly #parts: PollLoopParts
  /** When the polls under way began, since the boot. */
  readonly #running = new Map<MachinePolls, number>()
  #freed: () => void = () => {}

  constructor(parts: PollLoopParts) {
    this.#parts = parts
  }

  /** When the oldest poll under way began; null where none is. */
  runningSinceBootMs(): number | null {
    return this.#running.size === 0 ? null : Math.min(...this.#running.values())
  }

  async run(signal: AbortSignal): Promise<void> {
    const { machines, intervalS, clock, pollsAtOnceMax = POLLS_AT_ONCE_MAX } = this.#parts
    const plan = {
      startMs: clock.monotonicMs(),
      intervalMs: intervalS * SECOND_MS,
      machines: machines.length,
    }
    const running = new Set<Promise<void>>()
    for (let due: Due | null = null; ; ) {
      due = nextDue(due, clock.monotonicMs(), plan)
      const waitMs = due.atMs - clock.monotonicMs()
      if (waitMs > 0) await clock.delay(waitMs, signal)
      while (!signal.aborted && running.size >= pollsAtOnceMax) await this.#oneFreed()
      if (signal.aborted) break
      const polls = machines[due.index]
      // One that is still under way keeps its round.
      if (polls === undefined || this.#running.has(polls)) continue
      const poll = this.#poll(polls, signal)
      running.add(poll)
      void poll.finally(() => {
        running.delete(poll)
        this.#freed()
      })
    }
    await Promise.all(running)
  }

  async #oneFreed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#freed = resolve
    await promise
  }

  async #poll(polls: MachinePolls, signal: AbortSignal): Promise<void> {
    const { bootMs, polled, logger } = this.#parts
    const atBootMs = bootMs()
    this.#running.set(polls, atBootMs)
    try {
      const result = await polls.poll(atBootMs, signal)
      // A poll that the end of the process has cut short says nothing of the machine.
      if (!signal.aborted) await polled(polls, result, atBootMs)
    } catch (error) {
      const { address } = polls.machine
      logger.error({ address, reason: describeError(error) }, 'A poll failed in a way that nothing foresaw.')
    } finally {
      this.#running.delete(polls)
    }
  }
}

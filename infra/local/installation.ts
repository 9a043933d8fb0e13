import { systemClock } from '../../pipelines/clock.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import type { Part } from './part.ts'
import { PartFailed } from './part.ts'
import { markProcess, updateRunFile } from './run-file.ts'
import type { ProcessMark } from './run-file.ts'

/** All parts end within this time, in order; a supervisor's own bound is 10 s. */
const STOP_BUDGET_MS = 9_000
/** The least time that a part gets to end in order, however long the parts before it took. */
const STOP_SHARE_MIN_MS = 500

/**
 * The parts that run, in the order in which they are to be stopped: a part that writes stops before the one that stores.
 * Keeps the run file up to date and notices the first part that ends by itself.
 */
export class Installation {
  readonly #order: readonly string[]
  readonly #runFile: string
  readonly #supervisor: ProcessMark
  readonly #parts = new Map<string, Part>()
  readonly #failure = Promise.withResolvers<PartFailed>()
  #stopping = false

  constructor(options: {
    /** Names of all parts, first to be stopped first. */
    readonly order: readonly string[]
    readonly runFile: string
    readonly supervisor: ProcessMark
  }) {
    this.#order = options.order
    this.#runFile = options.runFile
    this.#supervisor = options.supervisor
  }

  /** Resolves when a part ends without a request; names the part with its last words. */
  get failed(): Promise<PartFailed> {
    return this.#failure.promise
  }

  /** Takes charge of a started part, so that it is stopped; one that arrives while everything stops is stopped at once. */
  async add(part: Part): Promise<void> {
    if (this.#stopping) {
      await part.stop(STOP_SHARE_MIN_MS)
      return
    }
    this.#parts.set(part.name, part)
    this.#note()
    void part.exited.then(() => {
      this.#parts.delete(part.name)
      this.#note()
    })
  }

  /** From now on the end of this part is a failure of the whole: it was ready. */
  watch(part: Part, logFile: string): void {
    void part.exited.then(() => {
      if (this.#stopping) return
      const message = `${part.name} ended by itself. Its last words stand above, all of them in ${logFile}. Everything else was stopped.`
      this.#failure.resolve(new PartFailed(EXIT.failure, message, part.lastWords()))
    })
  }

  #note(): void {
    const parts = [...this.#parts.values()].map((part) => markProcess(part.name, part.pid))
    updateRunFile(this.#runFile, { supervisor: this.#supervisor, parts })
  }

  /** Stops what runs, one part after another; each may use an equal share of the time that is left. */
  async stop(onStopped: (name: string, tookMs: number) => void): Promise<void> {
    this.#stopping = true
    const deadlineMs = systemClock.monotonicMs() + STOP_BUDGET_MS
    const running = this.#order.map((name) => this.#parts.get(name)).filter((part) => part !== undefined)
    for (const [index, part] of running.entries()) {
      const startMs = systemClock.monotonicMs()
      const shareMs = (deadlineMs - startMs) / (running.length - index)
      await part.stop(Math.max(STOP_SHARE_MIN_MS, shareMs))
      onStopped(part.name, systemClock.monotonicMs() - startMs)
    }
  }
}

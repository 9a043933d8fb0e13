import { EXIT, ExitError } from '../../services/runtime/exit.ts'
import type { ExitCode } from '../../services/runtime/exit.ts'
import type { Exit } from './child.ts'
import { describeExit } from './child.ts'

/** One running piece of the local installation, whatever it is. */
export interface Part {
  /** Its name on the screen. */
  readonly name: string
  readonly pid: number
  /** Resolves when it has ended, for whatever reason; never rejects. */
  readonly exited: Promise<unknown>
  /** The last lines that it wrote, oldest first. */
  lastWords(): string[]
  /** Ends it in order, with SIGKILL after `timeoutMs`; resolves when it has ended. */
  stop(timeoutMs: number): Promise<void>
}

/** A start was given up, by the user or because another part had failed; in that case the failed part is reported. */
export class GivenUp extends ExitError {
  constructor(name: string) {
    super(EXIT.interrupted, `The start of ${name} was given up.`)
  }
}

/** A part did not start, or ended by itself: its last words are shown above the message; no cause is guessed. */
export class PartFailed extends ExitError {
  readonly words: readonly string[]

  constructor(exitCode: ExitCode, message: string, words: readonly string[], options?: ErrorOptions) {
    super(exitCode, message, options)
    this.words = words
  }
}

/** The failure of a part that ended before it was ready; its own exit codes 69 and 78 are passed on. */
export function failedStart(name: string, exit: Exit, words: readonly string[], logFile: string): PartFailed {
  const handedOn = [EXIT.unreachable, EXIT.configuration].find((code) => code === exit.code)
  return new PartFailed(
    handedOn ?? EXIT.failure,
    `${name} did not start (${describeExit(exit)}). Its last words stand above, all of them in ${logFile}.`,
    words,
  )
}

import { outcomeCodec } from '../avro.ts'
import { DONE_STATUS, PROBLEMS } from '../http/problem.ts'
import type { Outcome } from '../records.ts'
import { isCommandRefusal } from './results.ts'
import type { CommandRefusal, DoneAs } from './results.ts'

/** How a command ended. */
export type Ending<Refusal extends CommandRefusal = CommandRefusal> = Done | Refused<Refusal>

export interface Done {
  readonly become: DoneAs
  /** The result as the codec of its kind wrote it. An outcome does not name its kind, which the caller knows. */
  readonly result: string
}

export interface Refused<Refusal extends CommandRefusal = CommandRefusal> {
  readonly become: 'refused'
  readonly code: Refusal
  /** A sentence for a person. */
  readonly detail: string
}

/** The outcome of a command, and how long it is kept for a repeat of the command. */
export type CommandOutcome = Ending & Readonly<Omit<Outcome, 'status' | 'code' | 'detail' | 'result'>>

/**
 * The outcome as it is in the log, where each ending is represented by the status of its HTTP answer. The log has had this
 * form since the first version, and the audit's rows have it too: the status is added and removed here, and no code that
 * decides knows it.
 */
export function outcomeRecord(outcome: CommandOutcome): Outcome {
  if (outcome.become === 'refused') {
    const { become: _, ...kept } = outcome
    return { ...kept, status: PROBLEMS[outcome.code].status, result: NO_RESULT }
  }
  const { become, ...kept } = outcome
  return { ...kept, status: DONE_STATUS[become], code: null, detail: '' }
}

/** Outcomes in node.state, in the schemas of `outcomeCodec`, which all stay readable. */
export const commandOutcomeCodec = {
  /** Returns a new framed buffer. */
  encode: (outcome: CommandOutcome): Buffer => outcomeCodec.encode(outcomeRecord(outcome)),

  /** Throws where it is not an outcome, or has an ending that no version ever wrote. */
  decode: (framed: Buffer): CommandOutcome => {
    const { status, code, detail, result, ...kept } = outcomeCodec.decode(framed)
    if (code !== null) {
      if (isCommandRefusal(code)) return { ...kept, become: 'refused', code, detail }
      throw new Error(`An outcome has the code "${code}", which no command is refused with.`)
    }
    const become = DONE_BY_STATUS.get(status)
    if (become === undefined) throw new Error(`An outcome is done with the status ${status}.`)
    return { ...kept, become, result }
  },
}

const NO_RESULT = '{}'

const DONE_BY_STATUS: ReadonlyMap<number, DoneAs> = new Map(
  (['done', 'reserved', 'released'] as const).map((become) => [DONE_STATUS[become], become]),
)

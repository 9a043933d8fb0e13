import { Type } from 'typebox'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { CommandKind } from '../records.ts'

/** A whole number of micro-Spark or nano-USD, as text: it may exceed what a double holds. */
const Amount = Type.String({ pattern: '^-?[0-9]+$' })

/** The result of a command of each kind where it is done. Times are log time in ms since 1970. */
const RESULTS = {
  settings: Type.Object({
    policy_fields: Type.Array(Type.String()),
    peer_fields: Type.Array(Type.String()),
    tag: Type.String(),
  }),
  join: Type.Object({ tag: Type.String() }),
  claim: Type.Object({ operator_id: Type.String(), micro_spark: Amount }),
  transfer: Type.Object({ operator_id: Type.String() }),
  reserve: Type.Object({ id: Type.String(), expires_at: Type.Integer() }),
  release: Type.Object({}),
  settle: Type.Object({ settled_count: Type.Integer(), micro_spark: Amount, nano_usd: Amount }),
  confirm: Type.Object({ operator_id: Type.String() }),
} as const satisfies Record<CommandKind, TSchema>

export type CommandResult<Kind extends CommandKind> = Static<(typeof RESULTS)[Kind]>

/** What a command that was done has changed: most change an account; two concern a reservation. */
export type DoneAs = 'done' | 'reserved' | 'released'

/** How a command of each kind ends where it is done. */
export const DONE_AS = {
  settings: 'done',
  join: 'done',
  claim: 'done',
  transfer: 'done',
  reserve: 'reserved',
  release: 'released',
  settle: 'done',
  confirm: 'done',
} as const satisfies Record<CommandKind, DoneAs>

/** Why a command of any kind can be refused. */
export const REFUSALS_OF_ALL = ['node_not_registered', 'too_many_commands', 'cannot_be_decided'] as const

/** Why a command of each kind can be refused besides the reasons above. */
export const REFUSALS = {
  settings: ['central_not_metered', 'stale_settings'],
  join: ['central_not_metered', 'stale_settings'],
  claim: ['already_claimed'],
  transfer: ['not_claimed', 'too_many_operators'],
  reserve: ['not_allowed', 'over_limit', 'reservation_exists', 'too_many_reservations'],
  release: ['reservation_not_found'],
  settle: [],
  confirm: ['not_claimed'],
} as const satisfies Record<CommandKind, readonly string[]>

export type CommandRefusal<Kind extends CommandKind = CommandKind> =
  | (typeof REFUSALS_OF_ALL)[number]
  | (typeof REFUSALS)[Kind][number]

/** Whether a code is one with which a command can be refused. */
export function isCommandRefusal(code: string): code is CommandRefusal {
  return CODES.has(code)
}

const CODES: ReadonlySet<string> = new Set([...REFUSALS_OF_ALL, ...Object.values(REFUSALS).flat()])

/** The results of one kind, as an outcome holds them. */
export interface ResultCodec<Result> {
  /** Returns JSON. */
  encode(result: Result): string
  /** Throws where the text is not a result of this kind. */
  decode(text: string): Result
}

/** The codec of each kind's results. */
export const RESULT_CODECS: { readonly [Kind in CommandKind]: ResultCodec<CommandResult<Kind>> } = {
  settings: codecOf('settings'),
  join: codecOf('join'),
  claim: codecOf('claim'),
  transfer: codecOf('transfer'),
  reserve: codecOf('reserve'),
  release: codecOf('release'),
  settle: codecOf('settle'),
  confirm: codecOf('confirm'),
}

function codecOf<Kind extends CommandKind>(kind: Kind): ResultCodec<CommandResult<Kind>> {
  const shape = RESULTS[kind]
  return {
    encode: (result) => JSON.stringify(result),
    decode: (text) => {
      const result: unknown = JSON.parse(text)
      if (Value.Check(shape, result)) return result
      throw new Error(`An outcome holds what is no result of a command "${kind}".`)
    },
  }
}

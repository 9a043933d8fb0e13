import { ClickHouseError } from '@clickhouse/client'
import { tlsRefusalIn, wordsOf } from '../tls-refusal.ts'
import type { Refusal } from '../tls-refusal.ts'

/**
 * Codes with which ClickHouse says "not now": load, memory, limits of time, a replica or Keeper that is away, a full disk,
 * a part that is set aside only when the server starts again, or an error of a library below it. The same statement may
 * succeed later. Every other code is about the statement or its data and is returned again each time.
 */
const AWAY_CODES: ReadonlySet<number> = new Set([
  74, // CANNOT_READ_FROM_FILE_DESCRIPTOR
  75, // CANNOT_WRITE_TO_FILE_DESCRIPTOR
  76, // CANNOT_OPEN_FILE
  159, // TIMEOUT_EXCEEDED
  198, // DNS_ERROR
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  203, // NO_FREE_CONNECTION
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  224, // REPLICA_IS_ALREADY_ACTIVE: its session before this one has not ended yet
  225, // NO_ZOOKEEPER
  232, // NO_SUCH_DATA_PART
  234, // NO_REPLICA_HAS_PART
  236, // ABORTED
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY
  243, // NOT_ENOUGH_SPACE
  244, // UNEXPECTED_ZOOKEEPER_ERROR
  246, // CORRUPTED_DATA: a part on its disk, not what was sent
  252, // TOO_MANY_PARTS
  254, // NO_ACTIVE_REPLICAS
  265, // NO_AVAILABLE_REPLICA
  279, // ALL_CONNECTION_TRIES_FAILED
  285, // TOO_FEW_LIVE_REPLICAS
  286, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
  289, // REPLICA_IS_NOT_IN_QUORUM
  319, // UNKNOWN_STATUS_OF_INSERT
  341, // UNFINISHED: a change that some replicas still have to make
  369, // ALL_REPLICAS_ARE_STALE
  384, // PART_IS_TEMPORARILY_LOCKED
  394, // QUERY_WAS_CANCELLED
  416, // REPLICA_STATUS_CHANGED
  425, // SYSTEM_ERROR
  439, // CANNOT_SCHEDULE_TASK
  473, // DEADLOCK_AVOIDED
  517, // CANNOT_ASSIGN_ALTER: another change of the same table was faster
  519, // NO_REMOTE_SHARD_AVAILABLE
  529, // NOT_A_LEADER
  734, // QUERY_WAS_CANCELLED_BY_CLIENT
  745, // SERVER_OVERLOADED
  999, // KEEPER_EXCEPTION
  1000, // POCO_EXCEPTION
  1001, // STD_EXCEPTION: the disk is full, seen from the file system's side
  1002, // UNKNOWN_EXCEPTION
])

/**
 * Codes with which ClickHouse rejects this user or its password. They say nothing about the statement, and a password that
 * is being changed is right again in a moment: this counts as away, with a message of its own.
 */
const STRANGER_CODES: ReadonlySet<number> = new Set([
  192, // UNKNOWN_USER
  193, // WRONG_PASSWORD
  194, // REQUIRED_PASSWORD
  516, // AUTHENTICATION_FAILED
])

const STRANGER: Refusal = {
  what: 'the user or its password is wrong',
  remedy:
    'Check HIVEMETER_CLICKHOUSE_USER and HIVEMETER_CLICKHOUSE_PASSWORD or what HIVEMETER_CLICKHOUSE_PASSWORD_FILE holds.',
}

/** ClickHouse did not answer, or not in time, or said "not now": whether the statement took effect is unknown. */
export class ClickhouseAway extends Error {
  override readonly name = 'ClickhouseAway'
  /** Why ClickHouse does not accept this client, where that is the reason. */
  readonly refusal: Refusal | undefined

  constructor(message: string, options?: ErrorOptions & { readonly refusal?: Refusal | undefined }) {
    super(message, options)
    this.refusal = options?.refusal
  }
}

/** ClickHouse answered, and refused the statement or its data: it would refuse the same again. */
export class ClickhouseRefused extends Error {
  override readonly name = 'ClickhouseRefused'
  /** ClickHouse's own number; 0 where the refusal is ours. */
  readonly code: number

  constructor(message: string, options: ErrorOptions & { readonly code: number }) {
    super(message, options)
    this.code = options.code
  }
}

/** Converts an error into one that tells the caller what to do: try later and look what happened, or stop. */
export function clickhouseError(error: unknown, doing: string): ClickhouseAway | ClickhouseRefused {
  if (error instanceof ClickhouseAway || error instanceof ClickhouseRefused) return error
  const said = error instanceof Error ? error.message : String(error)
  if (error instanceof ClickHouseError) {
    const code = Number(error.code)
    if (STRANGER_CODES.has(code)) return refused(STRANGER, error)
    if (!AWAY_CODES.has(code)) {
      return new ClickhouseRefused(`ClickHouse refused to ${doing}: code ${code}: ${said}`, {
        cause: error,
        code,
      })
    }
  }
  const refusal = tlsRefusalIn(wordsOf(error), {
    server: 'ClickHouse',
    caFile: 'HIVEMETER_CLICKHOUSE_CA_FILE',
    plainRemedy: 'Set HIVEMETER_CLICKHOUSE_URL to the port of https, or to http://.',
  })
  if (refusal !== undefined) return refused(refusal, error)
  return new ClickhouseAway(`ClickHouse does not answer to ${doing}: ${said}`, { cause: error })
}

function refused(refusal: Refusal, cause: unknown): ClickhouseAway {
  const { what, remedy } = refusal
  return new ClickhouseAway(`ClickHouse does not let this client in: ${what}. ${remedy}`, { cause, refusal })
}

import { createHash } from 'node:crypto'
import { outcomeKey } from '../../pipelines/account/outcomes.ts'
import type { Clock } from '../../pipelines/clock.ts'
import type { SharedAppend } from '../../pipelines/log/shared-append.ts'
import type { Random } from '../../pipelines/random.ts'
import { STATE_KEY, inboxCommandCodec } from '../../schemas/avro.ts'
import { commandOutcomeCodec } from '../../schemas/commands/outcome.ts'
import type { CommandOutcome, Refused } from '../../schemas/commands/outcome.ts'
import { RESULT_CODECS } from '../../schemas/commands/results.ts'
import type { CommandResult } from '../../schemas/commands/results.ts'
import { formatUuid, hashToUuid, partitionOfNode } from '../../schemas/ids.ts'
import type { CommandKind, InboxCommand } from '../../schemas/records.ts'
import { Problem } from '../http/problem.ts'
import { AwaitedOutcomes } from './awaited-outcomes.ts'
import type { StateRecord } from './present/accounts.ts'

const HASH_BYTES = 16
/** The part of a command that a route gives; this file adds the rest. */
export type CommandRequest<Kind extends CommandKind = CommandKind> = Pick<InboxCommand, 'node_id'> & {
  readonly kind: Kind
} & Partial<
    Pick<InboxCommand, 'expected' | 'changes' | 'operator_id' | 'cost_nano_usd' | 'ttl_ms' | 'reservation_id'>
  >

/** The caller, and the name that the client gave this one write, so that a repeated request is the same write. */
export interface CommandOrigin {
  readonly caller: string
  readonly byAdmin: boolean
  /** The credential itself names the operator of the command. */
  readonly byOperator: boolean
  /** The holder whose share of the waiting writes it takes. */
  readonly holder: string
  readonly idempotencyKey: string | null
}

export interface CommandsParts {
  readonly inbox: SharedAppend
  readonly partitions: number
  readonly clock: Clock
  readonly random: Random
}

/**
 * Writes commands into the nodes' inboxes and waits for their outcomes, which it sees in node.state. The settler decides:
 * there is one outcome for one id, whichever reader sends the command, and however often.
 */
export class Commands {
  readonly #parts: CommandsParts
  readonly #outcomes: AwaitedOutcomes<CommandOutcome>

  constructor(parts: CommandsParts) {
    this.#parts = parts
    this.#outcomes = new AwaitedOutcomes(parts)
  }

  /** Takes a record of node.state, in the order of its partition. */
  see({ key, value }: StateRecord): void {
    if (key === null || value === null) return
    const text = key.toString('utf8')
    if (!text.startsWith(STATE_KEY.commands) || !this.#outcomes.isAwaited(text)) return
    this.#outcomes.resolve(text, commandOutcomeCodec.decode(value))
  }

  /**
   * Sends a command and returns what the settler has done. Throws a Problem: what the settler refused; 422 where the id
   * was used for another body; 503 where no outcome came in time, so that it is not known whether the command was carried
   * out.
   */
  async ask<Kind extends CommandKind>(
    request: CommandRequest<Kind>,
    { caller, byAdmin, byOperator, holder, idempotencyKey: given }: CommandOrigin,
  ): Promise<CommandResult<Kind>> {
    const { partitions, random } = this.#parts
    const idempotencyKey = given ?? random.bytes(HASH_BYTES).toString('hex')
    const command = {
      ...commandOf(request, caller, idempotencyKey),
      by_admin: byAdmin,
      by_operator: byOperator,
    }
    const outcome = await this.#outcomes.of({
      key: outcomeKey(command.node_id, command.command_id),
      record: {
        partition: partitionOfNode(command.node_id, partitions),
        key: command.node_id,
        value: inboxCommandCodec.encode(command),
      },
      holder,
      idempotencyKey,
    })
    return resultOf(request.kind, command, outcome)
  }

  async stop(): Promise<void> {
    await this.#outcomes.stop()
  }
}

/**
 * Throws a Problem for every outcome except that exactly this command, and no other one with the same id, was carried out.
 */
function resultOf<Kind extends CommandKind>(
  kind: Kind,
  command: Pick<InboxCommand, 'node_id' | 'body_hash'>,
  outcome: CommandOutcome,
): CommandResult<Kind> {
  if (!outcome.body_hash.equals(command.body_hash)) {
    const detail = 'This Idempotency-Key was used for another request. Give each write a key of its own.'
    throw new Problem('idempotency_key_reused', detail)
  }
  if (outcome.become === 'refused') throw refusal(outcome, command.node_id)
  return RESULT_CODECS[kind].decode(outcome.result)
}

function refusal({ code, detail }: Refused, nodeId: string): Problem {
  if (code === 'node_not_registered')
    return new Problem(code, detail, { error: 'Node not registered', node_id: nodeId })
  return new Problem(code, detail, code === 'central_not_metered' ? { error: detail } : {})
}

function commandOf(
  request: CommandRequest,
  caller: string,
  idempotencyKey: string,
): Omit<InboxCommand, 'by_admin' | 'by_operator'> {
  const body = {
    expected: null,
    changes: [],
    operator_id: null,
    cost_nano_usd: 0,
    ttl_ms: 0,
    reservation_id: null,
    ...request,
  }
  return {
    ...body,
    ...idsOf(request, caller, idempotencyKey),
    caller,
    body_hash: createHash('sha256').update(JSON.stringify(body)).digest().subarray(0, HASH_BYTES),
  }
}

/**
 * The id of a request, made from its caller, the kind, the node and the key. The length of each part precedes it, so that
 * no two requests share an id. In `older_id`, the earlier form, a key was one id for all nodes, and caller "a" with key
 * "b/c" was "a/b" with "c".
 */
function idsOf(
  { kind, node_id }: CommandRequest,
  caller: string,
  idempotencyKey: string,
): Pick<InboxCommand, 'command_id' | 'older_id'> {
  const parts = [caller, kind, node_id, idempotencyKey].map((part) => `${Buffer.byteLength(part)}:${part}`)
  return {
    command_id: formatUuid(hashToUuid(`command.v2/${parts.join('')}`)),
    older_id: formatUuid(hashToUuid(`command/${caller}/${idempotencyKey}`)),
  }
}

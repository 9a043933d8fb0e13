import type { FastifyRequest } from 'fastify'
import { FieldReader } from '../../../pipelines/json/field-reader.ts'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { NODE_ID_PATTERN } from '../../../schemas/ids.ts'
import type { CommandResult } from '../../../schemas/commands/results.ts'
import type { CommandKind } from '../../../schemas/records.ts'
import { ForeignNode } from '../../http/foreign-node.ts'
import { holderOf, isAdmin, maySee, requestedNode } from '../../http/caller.ts'
import type { CommandRequest } from '../commands.ts'
import { invalidFields } from './json-body.ts'
import type { RouteParts } from '../parts.ts'
import { notRegistered } from '../present/present.ts'

const KEY_CHARACTERS_MAX = 200
const NODE = new RegExp(NODE_ID_PATTERN)

/** The node of a write: from the query, from the body, or the credential's only one; two different ones are refused. */
export function nodeOfWrite(request: FastifyRequest, queried: string | undefined, body: JsonObject): string {
  const reader = new FieldReader()
  const given = body['node_id']
  const named = given === undefined ? null : reader.id(given, '/node_id')
  throwFirst(reader)
  if (queried !== undefined && named !== null && queried !== named) {
    const message = 'The query and the body name different nodes.'
    throw invalidFields([{ path: '/node_id', code: 'invalid_value', message }])
  }
  return requestedNode(request, queried ?? named ?? undefined)
}

/**
 * Sends the command to the settler, and returns what it has done. A node that the caller may not see does not exist for it.
 */
export async function sendCommand<Kind extends CommandKind>(
  parts: RouteParts,
  request: FastifyRequest,
  command: CommandRequest<Kind>,
): Promise<CommandResult<Kind>> {
  const { caller } = request
  // Credentials and parameters were judged before; from here on a name becomes a record.
  if (!NODE.test(command.node_id)) {
    const message = `"node_id" is no name that a node can have.`
    throw invalidFields([{ path: '/node_id', code: 'invalid_value', message }])
  }
  if (!maySee(caller, command.node_id)) {
    // The same wait as for a node that was never named.
    await parts.present.arrive(command.node_id)
    throw new ForeignNode(command.node_id, notRegistered(command.node_id))
  }
  return await parts.commands.ask(command, {
    caller: caller.id,
    byAdmin: isAdmin(caller),
    byOperator: caller.operators.has(command.operator_id ?? ''),
    holder: holderOf(request),
    idempotencyKey: idempotencyKeyOf(request),
  })
}

/** Throws a Problem (422) for the first fault. */
export function throwFirst({ refusal }: FieldReader): void {
  if (refusal === null) return
  throw invalidFields([{ path: refusal.path, code: refusal.code, message: refusal.detail }])
}

/** The key with which a client names a write; null where it names none. Throws a Problem (422) for one that cannot be. */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key']
  if (key === undefined) return null
  const text = String(key)
  if (text.length >= 1 && text.length <= KEY_CHARACTERS_MAX) return text
  const message = `The header Idempotency-Key has 1 to ${KEY_CHARACTERS_MAX} characters.`
  throw invalidFields([{ path: '/idempotency-key', code: 'out_of_range', message }])
}

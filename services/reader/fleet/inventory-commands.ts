import { createHash } from 'node:crypto'
import type { Clock } from '../../../pipelines/clock.ts'
import type { SharedAppend } from '../../../pipelines/log/shared-append.ts'
import type { Random } from '../../../pipelines/random.ts'
import { schemaIdOf, SCHEMA_ID } from '../../../schemas/avro.ts'
import {
  inventoryCommandCodec,
  inventoryOutcomeCodec,
  inventoryOutcomeKey,
} from '../../../schemas/fleet/inventory/codecs.ts'
import { isInventoryCode } from '../../../schemas/fleet/inventory/records.ts'
import type {
  InventoryCommand,
  InventoryOutcome,
  InventoryResult,
} from '../../../schemas/fleet/inventory/records.ts'
import { formatUuid, hashToUuid, partitionOfNode } from '../../../schemas/ids.ts'
import { Problem } from '../../http/problem.ts'
import { AwaitedOutcomes } from '../awaited-outcomes.ts'
import type { StateRecord } from '../present/accounts.ts'

const HASH_BYTES = 16
/** Bytes of chance in an id: nobody guesses one, and none comes twice. */
const ENTITY_ID_BYTES = 16

/** What a route asks for; an entity that is new gets an id. */
export type InventoryRequest = Pick<
  InventoryCommand,
  'provider_id' | 'action' | 'entity' | 'expected' | 'valid_from' | 'valid_to' | 'restate'
> & { readonly entity_id: string | null; readonly body: Readonly<Record<string, unknown>> }

/** See `CommandOrigin`. */
export interface InventoryOrigin {
  readonly caller: string
  readonly holder: string
  readonly idempotencyKey: string | null
}

/**
 * Writes changes of inventories into fleet.inbox and waits for their outcomes, which come with fleet.state. The task
 * decides: there is one outcome for one id, whichever reader sends the command, and however often.
 */
export class InventoryCommands {
  readonly #outcomes: AwaitedOutcomes<InventoryOutcome>
  readonly #partitions: number
  readonly #random: Random

  constructor(parts: {
    readonly inbox: SharedAppend
    readonly partitions: number
    readonly clock: Clock
    readonly random: Random
  }) {
    this.#outcomes = new AwaitedOutcomes(parts)
    this.#partitions = parts.partitions
    this.#random = parts.random
  }

  /** Takes a record of fleet.state, in the order of its partition. */
  see({ key, value }: StateRecord): void {
    if (schemaIdOf(value) !== SCHEMA_ID.inventoryOutcome || key === null || value === null) return
    const text = key.toString('utf8')
    if (this.#outcomes.isAwaited(text)) this.#outcomes.resolve(text, inventoryOutcomeCodec.decode(value))
  }

  /**
   * Sends a change and returns what the task has made. Throws a Problem: what the task refused; 422 where the key was used
   * for another request; 503 where no outcome came in time.
   */
  async ask(request: InventoryRequest, origin: InventoryOrigin): Promise<InventoryResult> {
    const idempotencyKey = origin.idempotencyKey ?? this.#random.bytes(HASH_BYTES).toString('hex')
    const command = this.#commandOf(request, origin.caller, idempotencyKey)
    const outcome = await this.#outcomes.of({
      key: inventoryOutcomeKey(command.provider_id, command.command_id),
      record: {
        partition: partitionOfNode(command.provider_id, this.#partitions),
        key: command.provider_id,
        value: inventoryCommandCodec.encode(command),
      },
      holder: origin.holder,
      idempotencyKey,
    })
    if (!outcome.body_hash.equals(command.body_hash))
      throw new Problem(
        'idempotency_key_reused',
        'This Idempotency-Key was used for another request. Give each write a key of its own.',
      )
    if (outcome.code === null) return JSON.parse(outcome.result) as InventoryResult
    if (isInventoryCode(outcome.code)) throw new Problem(outcome.code, outcome.detail)
    throw new Error(`fleet.state has an outcome with the code "${outcome.code}".`)
  }

  async stop(): Promise<void> {
    await this.#outcomes.stop()
  }

  /** The id of a new entity is no part of what identifies a request: a retry draws another one, and is the same. */
  #commandOf(request: InventoryRequest, caller: string, idempotencyKey: string): InventoryCommand {
    const { provider_id, action, entity } = request
    const parts = [caller, provider_id, action, entity, request.entity_id ?? '', idempotencyKey]
    const named = parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('')
    return {
      ...request,
      command_id: formatUuid(hashToUuid(`inventory.v1/${named}`)),
      caller,
      body_hash: createHash('sha256').update(JSON.stringify(request)).digest().subarray(0, HASH_BYTES),
      entity_id: request.entity_id ?? this.#random.bytes(ENTITY_ID_BYTES).toString('hex'),
      body: JSON.stringify(request.body),
    }
  }
}

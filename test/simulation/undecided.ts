import { inboxCommandCodec, inboxHeartbeatCodec, SCHEMA_ID, schemaIdOf } from '../../schemas/avro.ts'
import type { DecidePoint } from '../../pipelines/failpoints.ts'
import type { CommitFailsEntry, DecideFailsEntry } from './schedule.ts'

/**
 * What tasks cannot decide in a run: for ever by name, for a moment by task; and commits that fail. Healing the world
 * changes none of it: healing the network cures no defect, and three failures take longer than most runs have faults.
 */
export class UndecidedFaults {
  /** Names of events, commands and heartbeats, as decide points get them. */
  readonly #names = new Set<string>()
  readonly #decides: { readonly entry: DecideFailsEntry; left: number }[] = []
  readonly #commits: { readonly entry: CommitFailsEntry; left: number }[] = []

  /** A name that can never be decided; healing does not help. */
  addName(name: string): void {
    this.#names.add(name)
  }

  readonly isUndecidable = (name: string): boolean => this.#names.has(name)

  readonly decidePoint: DecidePoint = (name) => {
    if (this.#names.has(name)) throw new RangeError(`${name} is beyond what a sum can hold`)
  }

  arm(entry: DecideFailsEntry | CommitFailsEntry): void {
    if (entry.kind === 'decide-fails') this.#decides.push({ entry, left: entry.times })
    else this.#commits.push({ entry, left: entry.times })
  }

  /** Whether the task's decision fails after it was made. */
  decideFails(service: string, partition: number): boolean {
    return take(this.#decides, service, partition) !== null
  }

  /** How the task's commit fails, if it does: done or not. */
  commitFails(service: string, partition: number): { readonly isDone: boolean } | null {
    return take(this.#commits, service, partition)
  }
}

function take<E extends { readonly service: string; readonly partition: number }>(
  armed: { readonly entry: E; left: number }[],
  service: string,
  partition: number,
): E | null {
  const met = armed.find(({ entry, left }) => {
    return left > 0 && entry.service === service && entry.partition === partition
  })
  if (met === undefined) return null
  met.left--
  return met.entry
}

/** The name of a request in account.inbox, as a decide point gets it; null for anything else. */
export function requestName(value: Buffer | null): string | null {
  if (value === null) return null
  if (schemaIdOf(value) === SCHEMA_ID.inboxCommand) {
    const { node_id, command_id } = inboxCommandCodec.decode(value)
    return `${node_id}/${command_id}`
  }
  if (schemaIdOf(value) !== SCHEMA_ID.inboxHeartbeat) return null
  const { node_id, heartbeat_hash } = inboxHeartbeatCodec.decode(value)
  return `${node_id}/${heartbeat_hash.toString('hex')}`
}

import { createWriteStream } from 'node:fs'
import type { WriteStream } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { identityOf } from '../../../schemas/identity.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { idName } from '../checker/work.ts'

export type AttemptOutcome = 'accepted' | 'refused' | 'unknown'

/** One attempt to send a request about a node's account: a command, or a heartbeat. */
export interface RequestAttempt {
  readonly node: string
  /** Hex. */
  readonly id: string
  readonly kind: string
  readonly outcome: Exclude<AttemptOutcome, 'refused'>
  readonly at: number
  readonly reservation: string | null
  readonly impressions: number
}

/** What the clients know: every attempt to send an event with its outcome, and every answer that they got. */
export class History {
  readonly #events: WriteStream
  readonly #answers: WriteStream
  readonly #commands: WriteStream
  readonly #accepted = new Set<string>()
  readonly #acceptedCommands = new Set<string>()
  attempts = 0
  unknown = 0

  constructor(dir: string) {
    this.#events = createWriteStream(join(dir, 'events-1.jsonl'))
    this.#answers = createWriteStream(join(dir, 'answers-1.jsonl'))
    this.#commands = createWriteStream(join(dir, 'commands-1.jsonl'))
  }

  /** How many different events were accepted. */
  get accepted(): number {
    return this.#accepted.size
  }

  /** How many different commands Kafka has taken. */
  get commands(): number {
    return this.#acceptedCommands.size
  }

  addRequest(request: RequestAttempt): void {
    if (request.kind !== 'heartbeat' && request.outcome === 'accepted') this.#acceptedCommands.add(request.id)
    this.#commands.write(`${JSON.stringify(request)}\n`)
  }

  attempt(event: UsageEvent, outcome: AttemptOutcome, isConflict = false): void {
    const { id, ...fields } = eventLine(event)
    this.attempts++
    if (outcome === 'unknown') this.unknown++
    if (outcome === 'accepted' && !isConflict) this.#accepted.add(id)
    const line = { id, ...fields, outcome, ...(isConflict ? { conflict: true } : {}) }
    this.#events.write(`${JSON.stringify(line)}\n`)
  }

  answer(answer: object): void {
    this.#answers.write(`${JSON.stringify(answer)}\n`)
  }

  async close(): Promise<void> {
    for (const stream of [this.#events, this.#answers, this.#commands]) {
      stream.end()
      await once(stream, 'close')
    }
  }
}

/** What a history records about an event that was sent, beside its outcome. */
export function eventLine(event: UsageEvent): { readonly id: string } & Readonly<Record<string, unknown>> {
  const { kind, bytes } = identityOf(event)
  return {
    id: idName(kind, bytes.toString('hex')),
    node: event.node_id,
    operator: event.operator_id,
    model: event.model_id,
    source: event.task_source,
    at: event.occurred_at,
    in: event.tokens_in,
    out: event.tokens_out,
    duration: event.duration_ms,
    gpu: event.gpu_ms,
    energy: event.energy_mwh,
    energySource: event.energy_source,
    cost: event.cost_nano_usd,
    inferences: event.more?.inferences ?? 1,
    execution: event.more?.execution ?? null,
  }
}

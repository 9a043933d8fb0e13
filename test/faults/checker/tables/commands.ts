import type { RequestedReservations } from './spending.ts'
import { HistoryError, OUTCOMES } from '../history/history.ts'
import type { Outcome } from '../history/history.ts'
import { integerOf, parseObject, textOf } from '../history/history-lines.ts'
import type { Problems } from '../problems.ts'

const DAY_MS = 86_400_000

/** One attempt to append a command or a heartbeat, as the client knows it. */
export interface RequestAttempt {
  readonly nodeId: string
  /** A command's 32 hex digits, a heartbeat's 16. */
  readonly id: string
  /** A kind of command, or "heartbeat". */
  readonly kind: string
  readonly outcome: Outcome
  /** When it was sent, by the client's clock. */
  readonly atMs: number
  readonly reservationId: string | null
  readonly impressions: number
}

/** A row of audit_log. */
export interface AuditRow {
  readonly nodeId: string
  readonly id: string
  readonly kind: string
  readonly status: number
}

/** A line of commands-*.jsonl. Throws a HistoryError that names the field. */
export function parseRequest(line: string): RequestAttempt {
  const fields = parseObject(line)
  const outcome = OUTCOMES.find((one) => one === fields['outcome'])
  if (outcome === undefined) throw new HistoryError(`"outcome" is none of ${OUTCOMES.join(', ')}`)
  return {
    nodeId: textOf(fields, 'node'),
    id: textOf(fields, 'id'),
    kind: textOf(fields, 'kind'),
    outcome,
    atMs: integerOf(fields, 'at'),
    reservationId: fields['reservation'] === null ? null : textOf(fields, 'reservation'),
    impressions: integerOf(fields, 'impressions'),
  }
}

/** For the heartbeats of one node: impressions that must have been taken in, and those that may have been. */
export interface Impressions {
  least: number
  most: number
}

/** What clients requested of accounts, compared with what was decided: each command once. */
export class Commands {
  rows = 0
  /** Nodes with a heartbeat that was accepted. */
  readonly impressions = new Map<string, Impressions>()
  readonly #problems: Problems
  /** By "node id": true where one attempt was accepted. */
  readonly #sent = new Map<string, { readonly kind: string; mustAppear: boolean; decided: number }>()
  readonly #heartbeats = new Map<string, { request: RequestAttempt; mustAppear: boolean }>()
  readonly #reserving = new Set<string>()
  readonly #days = new Map<string, Set<number>>()

  constructor(requests: Iterable<RequestAttempt>, problems: Problems) {
    this.#problems = problems
    for (const one of requests) {
      if (one.kind === 'heartbeat') this.#addHeartbeat(one)
      else this.#addCommand(one)
    }
    for (const { request: one, mustAppear } of this.#heartbeats.values()) {
      const sums = this.impressions.get(one.nodeId) ?? { least: 0, most: 0 }
      this.impressions.set(one.nodeId, sums)
      // A heartbeat with a negative number was made up: it is set aside, and takes nothing away from the others.
      sums.most += Math.max(0, one.impressions)
      if (mustAppear) sums.least += one.impressions
    }
  }

  get reservations(): RequestedReservations {
    return { nodes: this.#reserving, days: this.#days }
  }

  add(row: AuditRow): void {
    this.rows += 1
    const what = `${row.kind} ${row.id} of ${row.nodeId}`
    const sent = this.#sent.get(`${row.nodeId} ${row.id}`)
    if (sent === undefined) {
      this.#problems.add('command', `${what} was decided and never sent`)
      return
    }
    this.#problems.compare('command', `${what}: kind`, sent.kind, row.kind)
    sent.decided += 1
    if (sent.decided > 1) this.#problems.add('command', `${what} was decided ${sent.decided} times`)
  }

  /** To be called after the last row: adds commands that Kafka took and that were never decided. */
  finish(): void {
    for (const [name, { kind, mustAppear, decided }] of this.#sent) {
      if (mustAppear && decided === 0) this.#problems.add('command', `${kind} ${name} was never decided`)
    }
  }

  #addCommand({ nodeId, id, kind, outcome, atMs, reservationId }: RequestAttempt): void {
    const name = `${nodeId} ${id}`
    const known = this.#sent.get(name) ?? { kind, mustAppear: false, decided: 0 }
    this.#sent.set(name, known)
    known.mustAppear ||= outcome === 'accepted'
    if (kind !== 'reserve') return
    this.#reserving.add(nodeId)
    if (reservationId === null) return
    const reservation = `${nodeId} ${reservationId}`
    const days = this.#days.get(reservation) ?? new Set()
    this.#days.set(reservation, days)
    // The reservation was made when the log took the command: at once, or some minutes later.
    for (const later of [0, DAY_MS / 24]) days.add(Math.floor((atMs + later) / DAY_MS))
  }

  #addHeartbeat(request: RequestAttempt): void {
    const name = `${request.nodeId} ${request.id}`
    const known = this.#heartbeats.get(name) ?? { request, mustAppear: false }
    this.#heartbeats.set(name, known)
    known.mustAppear ||= request.outcome === 'accepted'
  }
}

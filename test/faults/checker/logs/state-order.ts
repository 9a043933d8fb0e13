import {
  STATE_KEY,
  accountCodec,
  aggregatorTaskCodec,
  inboxConfigureCodec,
  outcomeCodec,
  settlerTaskCodec,
} from '../../../../schemas/avro.ts'
import type { Account, AggregatorTask, SettlerTask } from '../../../../schemas/records.ts'
import type { Problems } from '../problems.ts'

/** A committed record of a state topic. */
export interface StateRecord {
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** Numbers of a task record that never fall; null counts as lower than every number. */
type TaskNumbers = Readonly<Record<string, number | null>>

/** Account counters that never fall. */
const RISING = [
  'events',
  'inferences',
  'cost_seq',
  'settled_through',
  'settlements',
  'settings_version',
  'rewards',
  'ad_impressions',
] as const

/** Checks one partition of a state topic in log order: a task never takes back what it has recorded. */
export class StateOrder {
  /** Newest account of each node of a partition of node.state. */
  readonly accounts = new Map<string, Account>()
  records = 0
  taskRecords = 0
  readonly #outcomes = new Map<string, string>()
  readonly #name: string
  readonly #kind: 'aggregator' | 'settler'
  readonly #problems: Problems
  #last: TaskNumbers = {}

  /** `name` is the name of the partition in problems. */
  constructor(name: string, kind: 'aggregator' | 'settler', problems: Problems) {
    this.#name = name
    this.#kind = kind
    this.#problems = problems
  }

  add({ offset, key, value }: StateRecord): void {
    this.records += 1
    const name = key?.toString('utf8') ?? ''
    if (name === STATE_KEY.task && value !== null) this.#addTask(offset, this.#numbersOf(value))
    else if (this.#kind === 'settler' && name !== '' && !name.startsWith('!')) {
      this.#addAccount(offset, name, value)
    } else if (name.startsWith(STATE_KEY.commands)) this.#addOutcome(offset, name, value)
  }

  #numbersOf(value: Buffer): TaskNumbers {
    return this.#kind === 'aggregator'
      ? aggregatorNumbers(aggregatorTaskCodec.decode(value))
      : settlerNumbers(settlerTaskCodec.decode(value))
  }

  #addTask(offset: bigint, numbers: TaskNumbers): void {
    this.taskRecords += 1
    for (const [field, value] of Object.entries(numbers)) {
      const before = this.#last[field] ?? null
      if (before !== null && (value === null || value < before)) {
        this.#problems.add(
          'position',
          `${this.#name} at offset ${offset}: ${field} falls from ${before} to ${value ?? 'nothing'}`,
        )
      }
    }
    this.#last = numbers
  }

  /** The outcome of a command never changes, until it is forgotten. */
  #addOutcome(offset: bigint, name: string, value: Buffer | null): void {
    if (value === null) {
      this.#outcomes.delete(name)
      return
    }
    const { status, result } = outcomeCodec.decode(value)
    const outcome = `${status} ${result}`
    const before = this.#outcomes.get(name) ?? outcome
    this.#outcomes.set(name, outcome)
    if (before !== outcome)
      this.#problems.add(
        'command',
        `${this.#name} at offset ${offset}: ${name} is ${outcome} after ${before}`,
      )
  }

  #addAccount(offset: bigint, nodeId: string, value: Buffer | null): void {
    const place = `${this.#name} at offset ${offset}: account ${nodeId}`
    if (value === null) {
      this.#problems.add('position', `${place} is deleted`)
      return
    }
    const account = accountCodec.decode(value)
    const before = this.accounts.get(nodeId)
    this.accounts.set(nodeId, account)
    if (before === undefined) return
    if (account.version <= before.version) {
      this.#problems.add('position', `${place} has version ${account.version} after ${before.version}`)
    }
    for (const field of RISING) {
      if (account[field] < before[field]) {
        this.#problems.add('position', `${place}: ${field} falls from ${before[field]} to ${account[field]}`)
      }
    }
  }
}

function aggregatorNumbers(task: AggregatorTask): TaskNumbers {
  const { position, next_seq, watermark, low, evicted_seq, models_version } = task
  return { position, next_seq, watermark, low, evicted_seq, models_version }
}

/** `handed` is a place in usage.metered; an index is below 2^20, since a record takes 10,000 events. */
function settlerNumbers(task: SettlerTask): TaskNumbers {
  const { position, next_seq, now, watermark, rules, handed_offset, handed_index } = task
  const rules_version = rules === null ? 0 : inboxConfigureCodec.decode(rules).version
  return { position, next_seq, now, watermark, rules_version, handed: handed_offset * 2 ** 20 + handed_index }
}

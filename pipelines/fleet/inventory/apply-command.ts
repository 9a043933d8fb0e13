import { inventoryOutcomeKey } from '../../../schemas/fleet/inventory/codecs.ts'
import { OUTCOME_KEPT_MS, OUTCOMES_PER_PROVIDER_MAX } from '../../../schemas/fleet/inventory/bounds.ts'
import type { InventoryCommand, InventoryOutcome } from '../../../schemas/fleet/inventory/records.ts'
import { Book } from './book.ts'
import { decide } from './decide.ts'
import type { Made, Request } from './decide.ts'
import type { Inventory } from './inventory.ts'
import { refused } from './refusal.ts'
import type { Refused } from './refusal.ts'

/** What a command has come to. */
export interface Applied {
  /** Under which the outcome is written to fleet.state: also that of a repeat, whose sender waits for it. */
  readonly key: string
  readonly outcome: InventoryOutcome
  /** The versions that it made; none for a repeat. */
  readonly made: readonly Made[]
  readonly isRepeat: boolean
}

/** Applies a command at its place in the log. A repeat changes nothing and has the outcome of the first time. */
export function applyCommand(
  inventory: Inventory,
  command: InventoryCommand,
  request: Request,
  { nowMs, offset }: { readonly nowMs: number; readonly offset: number },
): Applied {
  const { provider_id, command_id, caller: by } = command
  const key = inventoryOutcomeKey(provider_id, command_id)
  const known = inventory.outcomes.get(key)
  if (known !== undefined) return { key, outcome: known, made: [], isRepeat: true }
  if (inventory.outcomes.isFull(provider_id)) {
    const outcome = outcomeOf(command, { refused: TOO_MANY }, nowMs, false)
    inventory.outcomes.set(provider_id, key, outcome)
    return { key, outcome, made: [], isRepeat: false }
  }
  // A refused command opens no book.
  const book = inventory.book(provider_id) ?? new Book(provider_id)
  const decided = decide(book, request, { nowMs, offset, by })
  const made = 'refused' in decided ? [] : decided.made
  inventory.add(provider_id, made)
  const outcome = outcomeOf(command, decided, nowMs + OUTCOME_KEPT_MS, true)
  inventory.outcomes.set(provider_id, key, outcome)
  return { key, outcome, made, isRepeat: false }
}

/** The outcome of a command that is set aside, since nothing can decide it. */
export function undecided(inventory: Inventory, command: InventoryCommand, nowMs: number): Applied {
  const key = inventoryOutcomeKey(command.provider_id, command.command_id)
  const known = inventory.outcomes.get(key)
  if (known !== undefined) return { key, outcome: known, made: [], isRepeat: true }
  const why = refused('cannot_be_decided', 'The change cannot be decided, and was set aside.')
  const outcome = outcomeOf(command, { refused: why }, nowMs + OUTCOME_KEPT_MS, true)
  inventory.outcomes.set(command.provider_id, key, outcome)
  return { key, outcome, made: [], isRepeat: false }
}

const TOO_MANY = refused(
  'too_many_commands',
  `The inventory of this provider has changed ${OUTCOMES_PER_PROVIDER_MAX} times within a day: the oldest must be a day old before the next one.`,
)

function outcomeOf(
  { body_hash }: InventoryCommand,
  decided: { readonly refused: Refused } | { readonly result: object },
  until: number,
  isCounted: boolean,
): InventoryOutcome {
  const kept = { body_hash, until, is_counted: isCounted }
  if ('refused' in decided) return { ...kept, ...decided.refused, result: '{}' }
  return { ...kept, code: null, detail: '', result: JSON.stringify(decided.result) }
}

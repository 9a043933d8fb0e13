/** The words for what is refused, set aside or halted: labels of metrics, columns of tables, and what clients decide by. */

/** Why an event is refused; the words are stable, and clients may rely on them. */
export const REFUSAL_CODES = [
  'not_an_object',
  'not_an_array',
  'not_json',
  'too_large',
  'duplicate_field',
  'unknown_field',
  'missing',
  'wrong_type',
  'invalid_id',
  'no_id',
  'invalid_text',
  'invalid_value',
  'invalid_time',
  'invalid_number',
  'out_of_range',
  'too_precise',
  'both_energies',
  'energy_missing',
  'too_old',
  'in_the_future',
  'unsupported_event',
  'node_not_permitted',
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/**
 * Why a source record, or one event of it, is set aside: the codes of dead letters. Reasons to refuse a client's event may
 * be such codes too.
 */
export const LETTER_CODES = [
  'cannot_be_decided',
  'cannot_be_unpacked',
  'conflict',
  'framing',
  'in_the_future',
  'invalid_text',
  'invalid_value',
  'malformed',
  'no_id',
  'node_not_registered',
  'out_of_range',
  'rule_failed',
  'too_many_events',
  'too_old',
  'unknown_schema',
  'wrong_partition',
] as const
export type LetterCode = (typeof LETTER_CODES)[number]

/** Why a partition is halted until a person acts. */
export const HALT_REASONS = [
  'batch_unreadable',
  'block_gap',
  'block_refused',
  'block_repeated',
  'blocks_gone',
  'cannot_be_decided',
  'columns_changed',
  'hand_over_gap',
  'inbox_malformed',
  'input_deleted',
  'input_jump',
  'input_older',
  'kafka_older',
  'newer_rules',
  'not_a_block',
  'other_history',
  'other_installation',
  'phantom_tokens',
  'state_differs',
  'task_record_missing',
  'unloaded_blocks',
] as const
export type HaltReason = (typeof HALT_REASONS)[number]

/**
 * What is accepted and not paid, or not paid in full, and ids that come again with another content. They are counted, and
 * never by node.
 */
export const ANOMALIES = [
  'capped_impressions',
  'capped_rewards',
  'minimum_paid',
  'minimum_capped',
  'back_dated',
  'back_dated_over_limit',
  'too_many_heartbeats',
  'conflicting',
] as const
export type Anomaly = (typeof ANOMALIES)[number]

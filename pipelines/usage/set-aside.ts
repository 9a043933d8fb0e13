import { NODE_ID_PATTERN } from '../../schemas/ids.ts'
import { rulesAt, SHOWN_SET_ASIDE } from '../../schemas/since.ts'
import type { Since } from '../../schemas/since.ts'
import { TABLES } from '../../schemas/tables.ts'
import { monthOf } from '../blocks/block-log.ts'
import type { BlockLog } from '../blocks/block-log.ts'
import { writeDeadLetter } from '../blocks/dead-letter.ts'
import type { DeadLetter, EventProblem } from '../blocks/dead-letter.ts'
import { eventsAsSent, saidText } from './event-as-sent.ts'
import type { EventAsSent } from './event-as-sent.ts'

const NODE_ID = new RegExp(NODE_ID_PATTERN)

/** The place of a dead letter's rows, and the rules by which they are written. */
export interface LetterPlace {
  /** The topic of the record. */
  readonly topic: string
  readonly since: readonly Since[]
  /** In log time. */
  readonly setAsideAtMs: number
}

/**
 * Writes a dead letter: its record, byte for byte, for the operator, and each event that is set aside for the node that it
 * names. An event that names no node, and bytes that are not an event, are only in the record.
 */
export function writeLetter(log: BlockLog, letter: DeadLetter, place: LetterPlace): void {
  const { topic, since, setAsideAtMs } = place
  writeDeadLetter(log, topic, letter, setAsideAtMs)
  const { record, problems } = letter
  if (rulesAt(since, record.offset) < SHOWN_SET_ASIDE || problems.every(({ index }) => index < 0)) return
  const events = eventsAsSent(record.value)
  for (const problem of problems) {
    const event = events?.[problem.index]
    if (event !== undefined && NODE_ID.test(saidText(event, 'node_id') ?? '')) {
      writeRow(log, letter, place, problem, event)
    }
  }
}

function writeRow(
  log: BlockLog,
  { record }: DeadLetter,
  { topic, setAsideAtMs }: LetterPlace,
  { index, code, detail }: EventProblem,
  event: EventAsSent,
): void {
  const { rows, prefix } = log.rowsFor(TABLES.setAside, monthOf(record.timestampMs))
  rows.raw(prefix)
  rows.string(saidText(event, 'node_id') ?? '')
  rows.string(saidText(event, 'event_id') ?? '')
  rows.string(code)
  rows.string(detail)
  rows.string(topic)
  rows.u16(record.partition)
  rows.u64(Number(record.offset))
  rows.u32(index)
  rows.u64(record.timestampMs)
  rows.u64(setAsideAtMs)
  rows.string(JSON.stringify(event))
}

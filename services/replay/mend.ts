import { acceptUsageEvent } from '../../pipelines/usage/accept/accept.ts'
import { Refusal } from '../../pipelines/json/refusal.ts'
import { readJsonItems } from '../../pipelines/json/json-items.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { eventsAsSent } from '../../pipelines/usage/event-as-sent.ts'
import type { Letter } from './letters.ts'

/** One line of a mended file. */
export interface MendedLine {
  /** Counted from 1. */
  readonly line: number
  readonly letter: string
  /** As parsed, exact numbers included; undefined where the line gives bytes instead. */
  readonly event: unknown
  readonly value: Buffer | null
}

/** The result for one event of a letter. */
export type Judged =
  | { readonly event: UsageEvent; readonly name: string }
  | { readonly refused: string; readonly name: string }

/** Reads a mended file; throws with the line at fault where one is not a JSON object of the exported form. */
export function readMended(file: Buffer): MendedLine[] {
  const lines: MendedLine[] = []
  let start = 0
  for (let line = 1; start < file.length; line += 1) {
    const newline = file.indexOf(0x0a, start)
    const end = newline < 0 ? file.length : newline
    const bytes = file.subarray(start, end)
    start = end + 1
    if (bytes.toString('latin1').trim() !== '') lines.push(readLine(bytes, line))
  }
  return lines
}

function readLine(bytes: Buffer, line: number): MendedLine {
  const items = readJsonItems(bytes, 1)
  if ('fault' in items) throw new Error(`Line ${line} cannot be read: ${items.detail}`)
  const parsed = items.isArray ? null : items.read(0)
  if (parsed instanceof Refusal) throw new Error(`Line ${line}: ${parsed.path} ${parsed.detail}`)
  if (
    typeof parsed !== 'object' ||
    parsed === null ||
    !('letter' in parsed) ||
    typeof parsed.letter !== 'string'
  ) {
    throw new Error(
      `Line ${line} is no object with "letter": "topic/partition/offset". Edit an exported file.`,
    )
  }
  const event = 'event' in parsed ? parsed.event : null
  const base64 =
    'value_base64' in parsed && typeof parsed.value_base64 === 'string' ? parsed.value_base64 : null
  return {
    line,
    letter: parsed.letter,
    event: event ?? undefined,
    value: base64 === null ? null : Buffer.from(base64, 'base64'),
  }
}

/** Judges what a mended line puts in a letter's place, by the gateway's own rules at the letter's receipt. */
export function judgeLine(line: MendedLine, letter: Letter): Judged[] {
  const name = `${letter.id} (line ${line.line})`
  if (line.event !== undefined) return [judge(line.event, letter, name)]
  const events = eventsAsSent(line.value)
  if (events === null) return [{ refused: 'the bytes are no usage events, and no event is given', name }]
  return events.map((event, index) => judge(event, letter, `${name} event ${index}`))
}

/** Judges the refused events of a letter as they are; the events of a record that does not decode are not known. */
export function judgeLetter(letter: Letter): Judged[] {
  const events = eventsAsSent(letter.value)
  return letter.problems.map(({ index, reason, detail }) => {
    const name = index < 0 ? letter.id : `${letter.id} event ${index}`
    const event = events?.[index]
    if (event === undefined) return { refused: `${reason}: ${detail}`, name }
    return judge(event, letter, name)
  })
}

function judge(item: unknown, letter: Letter, name: string): Judged {
  const judged = acceptUsageEvent(item, letter.receiptMs)
  if (!(judged instanceof Refusal)) return { event: judged, name }
  return { refused: `${judged.code} ${judged.path}: ${judged.detail}`, name }
}

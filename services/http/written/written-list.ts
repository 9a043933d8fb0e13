import { mapInTurns } from '../../../pipelines/in-turns.ts'

/** Items that are written before other requests get a turn. */
const ITEMS_PER_TURN = 500

/** A list that is already written as text: `JSON.stringify` would write it, with all around it, in one turn. */
export class WrittenList {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Writes a list that may be long, in parts, one part each turn: `pause` lets other requests have theirs. */
export async function writeList(items: readonly object[], pause: () => Promise<void>): Promise<WrittenList> {
  const texts = await mapInTurns(items, { itemsPerTurn: ITEMS_PER_TURN, pause }, (item) =>
    JSON.stringify(item),
  )
  return new WrittenList(`[${texts.join(',')}]`)
}

/** An answer as JSON: what `JSON.stringify` writes, with members that are already written taken as they are. */
export function answerText(answer: object): string {
  const members = Object.entries(answer).flatMap(([name, value]: [string, unknown]) => {
    const text = value instanceof WrittenList ? value.text : (JSON.stringify(value) as string | undefined)
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`]
  })
  return `{${members.join(',')}}`
}

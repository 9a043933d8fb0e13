import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import type { LogProducer } from '../../pipelines/log/producer.ts'
import { countedEvents, eventNameOf } from './counted.ts'
import type { EventName } from './counted.ts'
import { readLetters } from './letters.ts'
import type { Letter, LetterFilter } from './letters.ts'
import { judgeLetter, judgeLine } from './mend.ts'
import type { Judged, MendedLine } from './mend.ts'
import { putBack } from './put-back.ts'

export interface ReplayParts {
  readonly client: ClickhouseClient
  readonly filter: LetterFilter
  /** Null: nothing is sent. */
  readonly producer: LogProducer | null
  /** Name of usage.metered, where events are put back. */
  readonly meteredTopic: string
  /** Its names in all versions: letters of other topics cannot be put back. */
  readonly meteredTopics: ReadonlySet<string>
  readonly partitions: number
  /** Proves receipts, both to the aggregator and for letters that were replayed before. */
  readonly idKey: Buffer
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** What became of the events of the letters. */
export interface ReplayCounts {
  letters: number
  /** Sent, or to be sent where no producer is given. */
  putBack: number
  /** Events are counted already under these ids. */
  counted: number
  refused: number
}

/** Puts back what the rules now accept: the letters' own events or, in their place, the lines of a mended file. */
export async function replay(
  parts: ReplayParts,
  mended: readonly MendedLine[] | null,
): Promise<ReplayCounts> {
  const counts: ReplayCounts = { letters: 0, putBack: 0, counted: 0, refused: 0 }
  const lines = mended === null ? null : Map.groupBy(mended, (line) => line.letter)
  for await (const letter of readLetters(parts.client, parts.filter, parts.idKey)) {
    parts.signal.throwIfAborted()
    const ours = lines?.get(letter.id)
    lines?.delete(letter.id)
    if (lines !== null && ours === undefined) continue
    counts.letters += 1
    const judged = ours === undefined ? judgeLetter(letter) : ours.flatMap((line) => judgeLine(line, letter))
    await settle(parts, letter, judged, counts)
  }
  for (const [id, left] of lines ?? []) {
    counts.refused += left.length
    parts.say(
      `${id} (line ${left[0]?.line ?? 0}): refused: there is no such dead letter among those selected`,
    )
  }
  return counts
}

async function settle(
  parts: ReplayParts,
  letter: Letter,
  judged: readonly Judged[],
  counts: ReplayCounts,
): Promise<void> {
  if (!parts.meteredTopics.has(letter.topic)) {
    counts.refused += judged.length
    parts.say(`${letter.id}: refused: only records of ${parts.meteredTopic} can be put back`)
    return
  }
  const accepted = judged.filter((one) => 'event' in one)
  const names = accepted.map(({ event }) => eventNameOf(event))
  const known = await countedEvents(parts.client, names)
  const open = accepted.filter(({ name }, at) => {
    const eventName = names[at] as EventName
    if (!known.has(eventName)) return true
    const { nodeId, eventId } = eventName
    parts.say(`${name}: nothing to do: an event of ${nodeId} is counted under the id ${eventId} already`)
    return false
  })
  for (const one of judged) {
    if ('refused' in one) parts.say(`${one.name}: refused: ${one.refused}`)
  }
  if (parts.producer !== null) {
    const events = open.map(({ event }) => event)
    await putBack(parts.producer, events, letter.receiptMs, { ...parts, topic: parts.meteredTopic })
  }
  for (const { event, name } of open) {
    parts.say(`${name}: ${parts.producer === null ? 'would be put back' : 'put back'} for ${event.node_id}`)
  }
  counts.putBack += open.length
  counts.counted += accepted.length - open.length
  counts.refused += judged.length - accepted.length
}

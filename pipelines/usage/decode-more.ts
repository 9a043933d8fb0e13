import type { LetterCode } from '../../schemas/reasons.ts'
import { isUtf8 } from 'node:buffer'
import { isLabelName, isLabelValue } from '../../schemas/labels.ts'
import { EXECUTIONS, NO_MORE, USAGE_BOUNDS } from '../../schemas/usage.ts'

const { eventsPerRecordMax, gpusMax, inferencesMax, labelsMax } = USAGE_BOUNDS

/** The fewest bytes of a label: two lengths. A count that implies more labels than fit is false. */
const LABEL_BYTES_MIN = 2
/** Four bytes for each character at most: a longer text cannot be within bounds. */
const LABEL_NAME_BYTES_MAX = 128
const LABEL_VALUE_BYTES_MAX = 256

/** The record's decoder, as far as it is used here. */
export interface MoreCursor {
  at(): number
  long(): number
  branch(): boolean
  /** Moves past a text and returns where it begins. */
  text(bytesMax: number): number
  malformed(reason: string): Error
}

/** Why an event is set aside. */
export interface MoreProblem {
  readonly code: LetterCode
  readonly field: string
}

/** The place of a label in the record. */
export interface LabelPlace {
  readonly nameStart: number
  readonly nameEnd: number
  readonly valueStart: number
  readonly valueEnd: number
}

const NO_LABELS: readonly LabelPlace[] = []

/**
 * What few events report, for those that do. The columns are like the others, but for other events their values mean
 * nothing. The labels of an event are objects, as they are few.
 */
export class MoreColumns {
  readonly gpus = new Float64Array(eventsPerRecordMax)
  readonly inferences = new Float64Array(eventsPerRecordMax)
  /** -1 for null. */
  readonly tokensCached = new Float64Array(eventsPerRecordMax)
  readonly tokensReasoning = new Float64Array(eventsPerRecordMax)
  /** 0 for null, else one more than its place in `EXECUTIONS`. */
  readonly execution = new Uint8Array(eventsPerRecordMax)
  /** By name, in the order of their bytes. */
  readonly labels: (readonly LabelPlace[])[] = []
  /** 1 where a part of the tokens was given as less than 0. */
  readonly #isBelow = new Uint8Array(eventsPerRecordMax)

  /** Reads the values of event `index`, without judging them. */
  read(index: number, bytes: Buffer, cursor: MoreCursor): void {
    this.gpus[index] = cursor.long()
    this.inferences[index] = cursor.long()
    const cached = cursor.branch() ? cursor.long() : null
    const reasoning = cursor.branch() ? cursor.long() : null
    this.tokensCached[index] = cached ?? -1
    this.tokensReasoning[index] = reasoning ?? -1
    this.#isBelow[index] = (cached ?? 0) < 0 || (reasoning ?? 0) < 0 ? 1 : 0
    this.execution[index] = cursor.branch() ? executionOf(cursor) : 0
    this.labels[index] = readLabels(bytes, cursor)
  }

  /** The number of GPUs that bounds the GPU time, whatever the event reports. */
  gpusOf(index: number): number {
    return Math.min(Math.max(this.gpus[index] as number, NO_MORE.gpus), gpusMax)
  }

  /** What is wrong with the values of event `index`; null where nothing is. */
  problemOf(index: number, bytes: Buffer, tokensIn: number, tokensOut: number): MoreProblem | null {
    const gpus = this.gpus[index] as number
    const inferences = this.inferences[index] as number
    if (gpus < 1 || gpus > gpusMax) return { code: 'out_of_range', field: 'gpus' }
    if (inferences < 1 || inferences > inferencesMax) return { code: 'out_of_range', field: 'inferences' }
    const isBelow = this.#isBelow[index] === 1
    if (isBelow || (this.tokensCached[index] as number) > tokensIn)
      return { code: 'out_of_range', field: 'tokens_cached' }
    if ((this.tokensReasoning[index] as number) > tokensOut)
      return { code: 'out_of_range', field: 'tokens_reasoning' }
    return labelsProblem(bytes, this.labels[index] ?? NO_LABELS)
  }
}

/** One more than the execution's place in `EXECUTIONS`. */
function executionOf(cursor: MoreCursor): number {
  const place = cursor.long()
  if (place < 0 || place >= EXECUTIONS.length) throw cursor.malformed(`execution ${place} is none`)
  return place + 1
}

function labelsProblem(bytes: Buffer, labels: readonly LabelPlace[]): MoreProblem | null {
  if (labels.length > labelsMax) return { code: 'out_of_range', field: 'labels' }
  let before: string | null = null
  for (const { nameStart, nameEnd, valueStart, valueEnd } of labels) {
    const name = bytes.toString('latin1', nameStart, nameEnd)
    if (name === before || !isLabelName(name)) return { code: 'invalid_text', field: 'labels' }
    const value = bytes.subarray(valueStart, valueEnd)
    if (!isUtf8(value) || !isLabelValue(value.toString('utf8')))
      return { code: 'invalid_text', field: 'labels' }
    before = name
  }
  return null
}

/** An array of labels, or a map: both have the same bytes. */
function readLabels(bytes: Buffer, cursor: MoreCursor): readonly LabelPlace[] {
  const labels: LabelPlace[] = []
  for (;;) {
    let count = cursor.long()
    if (count === 0) break
    if (count < 0) {
      count = -count
      cursor.long()
    }
    if (count * LABEL_BYTES_MIN > bytes.length - cursor.at()) {
      throw cursor.malformed(`${count} labels cannot stand in the bytes that are left`)
    }
    for (; count > 0; count--) {
      const nameStart = cursor.text(LABEL_NAME_BYTES_MAX)
      const nameEnd = cursor.at()
      const valueStart = cursor.text(LABEL_VALUE_BYTES_MAX)
      labels.push({ nameStart, nameEnd, valueStart, valueEnd: cursor.at() })
    }
  }
  if (labels.length < 2) return labels.length === 0 ? NO_LABELS : labels
  return labels.sort((left, right) =>
    bytes.compare(bytes, right.nameStart, right.nameEnd, left.nameStart, left.nameEnd),
  )
}

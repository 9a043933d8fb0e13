import { ITEM_BYTES_MAX, WARNINGS_MAX } from '../../../../schemas/fleet/bounds.ts'
import {
  MACHINE_FIELDS,
  POLL_RESULTS,
  REPORT_FIELDS,
  SAMPLE_FIELDS,
} from '../../../../schemas/fleet/fields.ts'
import { isFreeText, TEXT_CODE_POINTS_MAX } from '../../../../schemas/ids.ts'
import { isKeptTime } from '../../fits.ts'
import type { AvroBytes } from './avro-bytes.ts'
import { STEP, stepsOf } from './shape.ts'
import type { Step } from './shape.ts'

const MACHINE = stepsOf(MACHINE_FIELDS)
const SAMPLE = stepsOf(SAMPLE_FIELDS)
const REPORT = stepsOf(REPORT_FIELDS)

/**
 * Bytes of an item that is gone over to its end, so that it is refused alone. More than an item has whose lists and texts
 * are within their bounds: nobody who means it sends one that is larger.
 */
export const WALKED_ITEM_BYTES_MAX = 16 * ITEM_BYTES_MAX

const FIRST_PRINTABLE = 0x20
const LAST_PRINTABLE = 0x7e
const LAST_ASCII = 0x7f
const MAC_BYTES = 17
/** In each group of three characters of a MAC, where the colon is. */
const MAC_GROUP = 3
const COLON = 0x3a
const [DIGIT_0, DIGIT_9, LETTER_A, LETTER_F] = [0x30, 0x39, 0x41, 0x46] as const

/**
 * Goes over one item of a packed batch, byte by byte, without making anything of it. True where the log may keep its bytes as
 * they are: they are those which Hivemeter itself would write of an item that it takes without a change, with a time up to
 * `untilMs`. Otherwise it is judged like an item of JSON. Throws `NotPacked` where the bytes are no item.
 */
export function walkItem(bytes: AvroBytes, untilMs: number): boolean {
  bytes.isPlain = true
  bytes.until = bytes.at + WALKED_ITEM_BYTES_MAX
  let said = 0
  if (bytes.place(2) === 1) {
    said += 1
    machine(bytes, untilMs)
    fields(bytes, SAMPLE)
    warnings(bytes)
  }
  if (bytes.place(2) === 1) {
    said += 1
    machine(bytes, untilMs)
    bytes.place(POLL_RESULTS.length)
  }
  if (bytes.place(2) === 1) {
    said += 1
    machine(bytes, untilMs)
    fields(bytes, REPORT)
  }
  if (bytes.place(2) === 1) {
    // Only the gateway refuses.
    text(bytes)
    said = 0
  }
  return bytes.isPlain && said === 1
}

function machine(bytes: AvroBytes, untilMs: number): void {
  const observedAt = bytes.long()
  if (!isKeptTime(observedAt) || observedAt > untilMs) bytes.isPlain = false
  let named = 0
  for (const step of MACHINE) if (field(bytes, step)) named += 1
  if (named === 0) bytes.isPlain = false
}

function fields(bytes: AvroBytes, steps: readonly Step[]): void {
  for (const step of steps) field(bytes, step)
}

/** Returns whether the field is there. */
function field(bytes: AvroBytes, step: Step): boolean {
  const { kind } = step
  if (kind >= STEP.number && bytes.place(2) === 0) return false
  switch (kind) {
    case STEP.number: {
      const value = bytes.double()
      // JSON's -0 is kept as 0; NaN is within no range.
      if (!(value >= step.min && value <= step.max) || Object.is(value, -0)) bytes.isPlain = false
      break
    }
    case STEP.whole: {
      const value = bytes.double()
      const isWithin = Number.isInteger(value) && value >= 0 && value <= step.max
      if (!isWithin || Object.is(value, -0)) bytes.isPlain = false
      break
    }
    case STEP.place:
    case STEP.count: {
      const value = bytes.long()
      if (value < 0 || value > step.max) bytes.isPlain = false
      break
    }
    case STEP.flag:
      bytes.flag()
      break
    case STEP.code:
    case STEP.text:
      text(bytes)
      break
    case STEP.mac:
      mac(bytes)
      break
    case STEP.word:
      bytes.place(step.max)
      break
    case STEP.group:
      fields(bytes, step.parts)
      break
    default:
      list(bytes, step)
  }
  return true
}

function list(bytes: AvroBytes, { parts, max }: Step): void {
  let items = 0
  for (let left = bytes.block(true); left > 0; left = bytes.block(false)) {
    items += left
    for (; left > 0; left -= 1) {
      fields(bytes, parts)
      bytes.requireEnd()
    }
  }
  if (items > max) bytes.isPlain = false
}

function warnings(bytes: AvroBytes): void {
  let items = 0
  for (let left = bytes.block(true); left > 0; left = bytes.block(false)) {
    items += left
    for (; left > 0; left -= 1) {
      text(bytes)
      bytes.requireEnd()
    }
  }
  if (items > WARNINGS_MAX) bytes.isPlain = false
}

/** Most texts are ASCII, and need not be made. */
function text(bytes: AvroBytes): void {
  const start = bytes.skipText()
  const { bytes: all, at: end } = bytes
  let isPrintable = true
  for (let at = start; at < end; at += 1) {
    const byte = all[at] as number
    if (byte > LAST_ASCII) {
      if (!isFreeText(bytes.textFrom(start))) bytes.isPlain = false
      return
    }
    if (byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) isPrintable = false
  }
  const length = end - start
  if (!isPrintable || length === 0 || length > TEXT_CODE_POINTS_MAX) bytes.isPlain = false
}

/** In the form that is kept: capitals, colons. */
function mac(bytes: AvroBytes): void {
  const start = bytes.skipText()
  const { bytes: all, at: end } = bytes
  let isKept = end - start === MAC_BYTES
  for (let at = start; isKept && at < end; at += 1) {
    const byte = all[at] as number
    isKept =
      (at - start) % MAC_GROUP === MAC_GROUP - 1
        ? byte === COLON
        : (byte >= DIGIT_0 && byte <= DIGIT_9) || (byte >= LETTER_A && byte <= LETTER_F)
  }
  if (isKept) return
  bytes.textFrom(start)
  bytes.isPlain = false
}

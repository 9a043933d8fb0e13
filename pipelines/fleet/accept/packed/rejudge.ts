import avsc from 'avsc'
import { jsonNameOf, MACHINE_FIELDS, REPORT_FIELDS, SAMPLE_FIELDS } from '../../../../schemas/fleet/fields.ts'
import type { Field, Fields } from '../../../../schemas/fleet/fields.ts'
import { itemType } from '../../../../schemas/fleet/item-type.ts'
import type { FleetItem } from '../../../../schemas/fleet/records.ts'
import type { Refusal } from '../../../json/refusal.ts'
import { acceptItem } from '../accept-item.ts'

type Decoded = Readonly<Record<string, unknown>>

/** Numbers of 64 bits as the nearest double: what is beyond 52 bits is out of every range, and judged so. */
export const nearestLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => Number(bytes.readBigInt64LE()),
  toBuffer: (value: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: Number.isInteger,
  compare: (left: number, right: number) => Math.sign(left - right),
})

const type = itemType({ long: nearestLong })

const SAMPLE: Fields = { ...MACHINE_FIELDS, ...SAMPLE_FIELDS }
const REPORT: Fields = { ...MACHINE_FIELDS, ...REPORT_FIELDS }

/**
 * Judges a packed item, over which `walkItem` has gone to its end, as the same content in JSON would be judged: what is to
 * be changed is changed in the same way, and what is refused is refused with the same words.
 */
export function rejudge(packed: Buffer, receiptMs: number): FleetItem | Refusal {
  const { sample, poll, report, refused } = type.fromBuffer(packed) as Readonly<
    Record<string, Decoded | null>
  >
  const item = {
    ...(sample && { sample: jsonOf(SAMPLE, sample) }),
    ...(poll && { poll: jsonOf(MACHINE_FIELDS, poll) }),
    ...(report && { report: jsonOf(REPORT, report) }),
    ...(refused !== null && { refused }),
  }
  return acceptItem(item, receiptMs)
}

/** The record with the names that JSON has; what the table does not name stays as it is. */
function jsonOf(fields: Fields, record: Decoded): Decoded {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [jsonNameOf(name), valueOf(fields[name], value)]),
  )
}

function valueOf(field: Field | undefined, value: unknown): unknown {
  if (field?.kind === 'group') return jsonOf(field.fields, value as Decoded)
  if (field?.kind === 'list' && value !== null)
    return (value as readonly Decoded[]).map((part) => jsonOf(field.fields, part))
  return value
}

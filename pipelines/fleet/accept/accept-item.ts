import { AHEAD_MS_MAX, WARNINGS_MAX } from '../../../schemas/fleet/bounds.ts'
import { MACHINE_FIELDS, POLL_RESULTS, REPORT_FIELDS, SAMPLE_FIELDS } from '../../../schemas/fleet/fields.ts'
import type {
  DeviceReport,
  FleetItem,
  OfMachine,
  PollResult,
  Sample,
} from '../../../schemas/fleet/records.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import { isJsonObject } from '../../json/json-object.ts'
import { jsonPointer, Refusal } from '../../json/refusal.ts'
import { ItemReader } from './read-fields.ts'

/** What an item may be, by the one member that it has. */
const ITEM_KINDS = ['sample', 'poll', 'report'] as const
type ItemKind = (typeof ITEM_KINDS)[number]

const NOTHING: FleetItem = { sample: null, poll: null, report: null, refused: null }

/** Members of each kind beside those of the machine. */
const OF_MACHINE = { ...MACHINE_FIELDS }
const OF_SAMPLE = { ...MACHINE_FIELDS, ...SAMPLE_FIELDS }
const OF_REPORT = { ...MACHINE_FIELDS, ...REPORT_FIELDS }
const BESIDE: Readonly<Record<ItemKind, ReadonlySet<string>>> = {
  sample: new Set(['observed_at', 'warnings']),
  poll: new Set(['observed_at', 'result']),
  report: new Set(['observed_at']),
}

/** The item that takes the place of one that is refused, so that the numbers of the batch stay one run. */
export function refusedItem({ code }: Refusal): FleetItem {
  return { ...NOTHING, refused: code }
}

/** Judges one item of a batch, parsed from JSON, at log time `receiptMs`: what the log keeps of it, or why it is refused. */
export function acceptItem(item: unknown, receiptMs: number): FleetItem | Refusal {
  if (!isJsonObject(item)) return new Refusal('not_an_object', '', 'An item is a JSON object.')
  const names = Object.keys(item)
  const unknown = names.find((name) => !ITEM_KINDS.some((kind) => kind === name))
  if (unknown !== undefined) return new Refusal('unknown_field', jsonPointer(unknown), 'Is no kind of item.')
  const [kind, ...others] = ITEM_KINDS.filter((one) => item[one] !== undefined && item[one] !== null)
  if (kind === undefined || others.length > 0) {
    return new Refusal('invalid_value', '', `Must have exactly one of ${ITEM_KINDS.join(', ')}.`)
  }
  const value = item[kind]
  if (!isJsonObject(value)) return new Refusal('wrong_type', `/${kind}`, 'Must be an object.')
  return acceptKind(kind, value, receiptMs)
}

function acceptKind(
  kind: ItemKind,
  value: Readonly<Record<string, unknown>>,
  receiptMs: number,
): FleetItem | Refusal {
  const reader = new ItemReader()
  const path = `/${kind}`
  const read = READ[kind](reader, value, path)
  const machine = read.sample ?? read.poll ?? read.report
  if (machine !== null) refuseMachine(reader, machine, path, receiptMs)
  return reader.refusal ?? read
}

const READ: Readonly<
  Record<ItemKind, (reader: ItemReader, value: Readonly<Record<string, unknown>>, path: string) => FleetItem>
> = {
  sample: (reader, value, path) => {
    reader.refuseUnknown(OF_SAMPLE, value, path, BESIDE.sample)
    const given = warningsOf(reader, value['warnings'] ?? null, `${path}/warnings`)
    const machine = machineIn(reader, value, path)
    const telemetry = reader.read(SAMPLE_FIELDS, value, path)
    const warnings = [...given, ...reader.warnings].slice(0, WARNINGS_MAX)
    const sample: Sample = { ...machine, ...telemetry, warnings }
    return { ...NOTHING, sample }
  },
  poll: (reader, value, path) => {
    reader.refuseUnknown(OF_MACHINE, value, path, BESIDE.poll)
    const result = reader.word(value['result'], POLL_RESULTS, `${path}/result`) ?? 'ok'
    const poll: PollResult = { ...machineIn(reader, value, path), result }
    return { ...NOTHING, poll }
  },
  report: (reader, value, path) => {
    reader.refuseUnknown(OF_REPORT, value, path, BESIDE.report)
    const machine = machineIn(reader, value, path)
    const report: DeviceReport = { ...machine, ...reader.read(REPORT_FIELDS, value, path) }
    return { ...NOTHING, report }
  },
}

/** Where the time is missing or wrong the item is refused, and the time does not matter. */
function machineIn(reader: ItemReader, value: Readonly<Record<string, unknown>>, path: string): OfMachine {
  const at = `${path}/observed_at`
  const sent = value['observed_at'] ?? null
  if (sent === null) reader.refuse('missing', at, 'Is required.')
  const observed_at = sent === null ? null : reader.time(sent, at)
  if (observed_at === null) reader.refuse('invalid_time', at, 'Is no time that can be kept.')
  return { observed_at: observed_at ?? 0, ...reader.read(MACHINE_FIELDS, value, path) }
}

function refuseMachine(
  reader: ItemReader,
  { observed_at, serial, mac, mac_arp, address }: OfMachine,
  path: string,
  receiptMs: number,
): void {
  if ((serial ?? mac ?? mac_arp ?? address) === null) {
    reader.refuse('no_id', path, 'Says of no machine: it needs serial, mac, mac_arp or address.')
  }
  if (observed_at > receiptMs + AHEAD_MS_MAX) {
    const detail = `Is more than ${AHEAD_MS_MAX / SECOND_MS} s after the time of the log.`
    reader.refuse('in_the_future', `${path}/observed_at`, detail)
  }
}

function warningsOf(reader: ItemReader, value: unknown, path: string): string[] {
  if (value === null) return []
  if (!Array.isArray(value)) {
    reader.refuse('wrong_type', path, 'Must be an array.')
    return []
  }
  if (value.length > WARNINGS_MAX) {
    reader.refuse('too_large', path, `Has ${value.length} warnings; at most ${WARNINGS_MAX} are taken.`)
    return []
  }
  return value.map((one: unknown, index) => reader.text(one, `${path}/${index}`) ?? '')
}

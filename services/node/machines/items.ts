import { acceptItem } from '../../../pipelines/fleet/accept/accept-item.ts'
import type { Telemetry } from '../../../pipelines/fleet/telemetry.ts'
import { isJsonObject } from '../../../pipelines/json/json-object.ts'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import type { Refusal } from '../../../pipelines/json/refusal.ts'
import { WARNINGS_MAX } from '../../../schemas/fleet/bounds.ts'
import { jsonNameOf, REPORT_FIELDS, SAMPLE_FIELDS } from '../../../schemas/fleet/fields.ts'
import type { Field, Fields } from '../../../schemas/fleet/fields.ts'
import type { FleetItem } from '../../../schemas/fleet/records.ts'
import { TEXT_CODE_POINTS_MAX } from '../../../schemas/ids.ts'
import type { PollWord } from './poll-result.ts'

/** Which machine an item is about, as far as it is known. */
export interface MachineNames {
  readonly serial: string | null
  readonly mac: string | null
  readonly mac_arp: string | null
  readonly address: string
}

/** Which machine, and when it was asked, in milliseconds of whatever clock the spool is told. */
export type Observed = MachineNames & { readonly observed_at: number }

/** An item as the log keeps it; or why the gateway would refuse it, by the same rules. */
export type Made = FleetItem | Refusal

export function pollItem(observed: Observed, result: PollWord): Made {
  return acceptItem({ poll: { ...observed, result } }, Number.MAX_SAFE_INTEGER)
}

export function sampleItem(observed: Observed, telemetry: Telemetry, warnings: readonly string[]): Made {
  const told = warnings.slice(0, WARNINGS_MAX).map((one) => one.slice(0, TEXT_CODE_POINTS_MAX))
  const sample = { ...partsOf(SAMPLE_FIELDS, telemetry), ...observed, warnings: told }
  return acceptItem({ sample }, Number.MAX_SAFE_INTEGER)
}

export function reportItem(observed: Observed, telemetry: Telemetry): Made {
  return acceptItem(
    { report: { ...partsOf(REPORT_FIELDS, telemetry), ...observed } },
    Number.MAX_SAFE_INTEGER,
  )
}

/** The texts of a machine that seldom change, as one text: another one is a change. */
export function reportText(telemetry: Telemetry): string {
  return JSON.stringify(partsOf(REPORT_FIELDS, telemetry))
}

/** What the table names of an object, with lists no longer than they may be. */
function partsOf(fields: Fields, value: object): JsonObject {
  const given = new Map<string, unknown>(Object.entries(value))
  const parts: [string, unknown][] = Object.entries(fields).map(([name, field]) => [
    jsonNameOf(name),
    partOf(field, given.get(jsonNameOf(name)) ?? null),
  ])
  return Object.fromEntries(parts.filter(([, part]) => part !== null))
}

function partOf(field: Field, value: unknown): unknown {
  if (field.kind === 'group') return isJsonObject(value) ? partsOf(field.fields, value) : null
  if (field.kind !== 'list') return value
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  if (!Array.isArray(value)) return null
  return list
    .slice(0, field.itemsMax)
    .flatMap((part) => (isJsonObject(part) ? [partsOf(field.fields, part)] : []))
}

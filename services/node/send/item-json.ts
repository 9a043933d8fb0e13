import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { isJsonObject } from '../../../pipelines/json/json-object.ts'
import { jsonNameOf, MACHINE_FIELDS, REPORT_FIELDS, SAMPLE_FIELDS } from '../../../schemas/fleet/fields.ts'
import type { Field, Fields } from '../../../schemas/fleet/fields.ts'
import type { FleetItem } from '../../../schemas/fleet/records.ts'

/** An item as `POST /v1/fleet/telemetry` takes it: without what is null. */
export function itemJson({ sample, poll, report }: FleetItem): JsonObject {
  if (sample !== null) {
    const { observed_at, warnings } = sample
    const fields = { ...MACHINE_FIELDS, ...SAMPLE_FIELDS }
    return { sample: { observed_at, ...jsonOf(fields, sample), warnings } }
  }
  if (report !== null) {
    const fields = { ...MACHINE_FIELDS, ...REPORT_FIELDS }
    return { report: { observed_at: report.observed_at, ...jsonOf(fields, report) } }
  }
  return {
    poll: { observed_at: poll?.observed_at, ...jsonOf(MACHINE_FIELDS, poll ?? {}), result: poll?.result },
  }
}

function jsonOf(fields: Fields, record: object): JsonObject {
  const given = new Map<string, unknown>(Object.entries(record))
  const members: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const value = valueJson(field, given.get(name) ?? null)
    if (value !== null) members[jsonNameOf(name)] = value
  }
  return members
}

function valueJson(field: Field, value: unknown): unknown {
  if (field.kind === 'group') {
    const members = isJsonObject(value) ? jsonOf(field.fields, value) : {}
    return Object.keys(members).length === 0 ? null : members
  }
  if (field.kind !== 'list') return value
  return Array.isArray(value) ? value.map((part: object) => jsonOf(field.fields, part)) : null
}

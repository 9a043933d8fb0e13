import { formatTime } from '../../http/times.ts'

/** The subject and the time of a table: the name of its file and its headers contain them. */
export interface TableName {
  /** `usage`, the node, the window … */
  readonly parts: readonly string[]
  /** The range, where it has one. */
  readonly range?: { readonly fromMs: number; readonly toMs: number }
  /** The time zone of its windows. */
  readonly zone?: string
  /** RFC 3339; null before anything was read. */
  readonly asOf: string | null
}

/** Longest text in the name that a client chose. */
const PART_CHARACTERS_MAX = 64

/** The headers of a table that is a file: its name, and its subject. */
export function tableHeaders(name: TableName, extension: 'csv' | 'parquet'): Record<string, string> {
  const { range, zone, asOf } = name
  return {
    'content-disposition': `attachment; filename="${fileName(name)}.${extension}"`,
    ...(range !== undefined && {
      'hivemeter-from': formatTime(range.fromMs),
      'hivemeter-to': formatTime(range.toMs),
    }),
    ...(zone !== undefined && { 'hivemeter-tz': zone }),
    ...(asOf !== null && { 'hivemeter-as-of': asOf }),
  }
}

function fileName({ parts, range, zone, asOf }: TableName): string {
  const times = range === undefined ? [] : [range.fromMs, range.toMs].map(formatTime).map(basic)
  const zones = zone === undefined ? [] : [zone]
  return [...parts, ...times, ...zones, asOf === null ? 'as-of-nothing' : `as-of-${basic(asOf)}`]
    .map((part) => part.slice(0, PART_CHARACTERS_MAX).replaceAll(/[^A-Za-z0-9.+-]/g, '-'))
    .join('_')
}

/** ISO 8601's basic form: every file system accepts it. */
function basic(time: string): string {
  return time.replaceAll(/[-:]/g, '').replace(/\.000Z$/, 'Z')
}

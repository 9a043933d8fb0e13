import type { ErrorReading, SharesReading } from '../../reading.ts'
import type { Component } from '../../telemetry.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'

export interface Summary {
  readonly answer: Place
  readonly body: Place
  readonly shares: SharesReading
  readonly hwErrors: number | null
  readonly bestShare: number | null
  readonly foundBlocks: number | null
  /** Null where there is no list of them. */
  readonly errors: readonly ErrorReading[] | null
}

/** What the summary of either generation says. It stands alone: without it, rates and boards are still known. */
export function readSummary({ answers }: AdapterInput): Summary {
  const answer = answers.of('summary.cgi', 'summary new_api', 'summary')
  const body = answer.at('SUMMARY', 0)
  const status = body.at('status')
  return {
    answer,
    body,
    shares: {
      accepted: body.at('Accepted').counter(),
      rejected: body.at('Rejected').counter(),
      stale: body.at('Stale').counter(),
    },
    hwErrors: body.any('Hardware Errors', 'hw_all').counter(),
    bestShare: body.any('Best Share', 'bestshare').counter(),
    foundBlocks: body.at('Found Blocks').counter(),
    errors: status.isList ? errorsOf(status) : null,
  }
}

const COMPONENTS: Readonly<Record<string, Component>> = {
  rate: 'device',
  network: 'network',
  fans: 'fan',
  temp: 'device',
}

/** Only "e" is an error: "s" is well, and an empty status says nothing. */
function errorsOf(status: Place): ErrorReading[] {
  return status.items().flatMap((entry) => {
    const kind = entry.at('type').word()
    if (entry.at('status').word() !== 'e' || !/^[a-z][a-z_-]{0,31}$/.test(kind)) return []
    const code = entry.at('code').count()
    return [
      {
        vendor_code: code === null ? kind : `${kind}:${code}`,
        component: Object.hasOwn(COMPONENTS, kind) ? (COMPONENTS[kind] ?? 'device') : 'device',
        message: entry.at('msg').text(),
      },
    ]
  })
}

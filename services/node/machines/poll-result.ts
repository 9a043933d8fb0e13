import type { Telemetry } from '../../../pipelines/fleet/telemetry.ts'
import type { POLL_RESULTS } from '../../../schemas/fleet/fields.ts'
import type { Asked } from './machine-poller.ts'

export type PollWord = (typeof POLL_RESULTS)[number]

const UNUSABLE = 'answer_unusable:'

/**
 * How a poll ended, from what each request came to and from what the adapter made of the answers. Where none answered: the
 * worst that can be said of a machine that is there, then what the connection said. Where an answer was read: `partial`, if
 * one that machines of this kind always give is missing or cannot be used.
 */
export function pollResult(
  asked: readonly Asked[],
  telemetry: Telemetry,
  warnings: readonly string[],
): PollWord {
  const unusable = new Set(
    warnings.filter((one) => one.startsWith(UNUSABLE)).map((one) => one.slice(UNUSABLE.length)),
  )
  const isRead = ({ request, outcome }: Asked): boolean => outcome.kind === 'answer' && !unusable.has(request)
  if (!asked.some(isRead) || saysNothing(telemetry)) return failureOf(asked)
  return asked.every((one) => isRead(one) || !one.isNeeded) ? 'ok' : 'partial'
}

function failureOf(asked: readonly Asked[]): PollWord {
  const kinds = new Set(asked.map(({ outcome }) => outcome.kind))
  if (kinds.has('auth_failed')) return 'auth_failed'
  if (kinds.has('answer') || kinds.has('unreadable')) return 'unreadable'
  const needed = asked.find(({ isNeeded }) => isNeeded)?.outcome.kind ?? 'timeout'
  return needed === 'refused' ? 'refused' : 'timeout'
}

/** Whether nothing that a machine measures or does came out: its answers were some, and not those of this kind of machine. */
function saysNothing(telemetry: Telemetry): boolean {
  const {
    hashrate_hs: rates,
    uptime_s: uptime,
    power_w: power,
    boards,
    gpu,
    fans,
    is_mining: intent,
  } = telemetry
  const isEmpty = (list: readonly unknown[] | null): boolean => list === null || list.length === 0
  return (
    Object.values(rates).every((rate) => rate === null) &&
    uptime === null &&
    power === null &&
    intent === null &&
    [boards, gpu, fans].every(isEmpty)
  )
}

import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { telemetryOf } from './expected.ts'
import { machineTruth } from './machine-truth.ts'
import { listed } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'
import type { StyledTruth } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'
import type { MachineTruth, PoolTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import type { TruthLimits } from './machine-truth.ts'
import { POLLED_AT_S, pollDocument } from './poll-document.ts'
import type { AskedAnswer } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { clockText, ordered, PASSWORD } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { anyStyle } from './styles.ts'

/** What the generators of several vendors have in common: the document, cgminer's pools, and what a board says. */

export function styledTruth(limits: TruthLimits): fc.Arbitrary<StyledTruth> {
  return fc
    .record({
      truth: machineTruth(limits),
      style: anyStyle,
      deviceTimeS: fc.option(fc.integer({ min: -86_400, max: 86_400 }).map((skewS) => POLLED_AT_S + skewS)),
      choice: fc.nat(9_999),
    })
    .map(({ truth, ...rest }): StyledTruth => Object.assign(rest, truth))
}

/** The answers as a node sends them; an answer that is undefined is left out. */
export function vendorDocument(
  adapter: string,
  { model, style }: StyledTruth,
  answers: readonly AskedAnswer[],
  locationTimezone: string | null = null,
): JsonObject {
  const given = answers.filter(([, body]) => body !== undefined)
  const document = pollDocument({ adapter, model, answers: given, order: style.order })
  return {
    ...document,
    context: { ...(document['context'] as JsonObject), location_timezone: locationTimezone },
  }
}

/** RFC 3339 of seconds since the epoch; null for null. */
export function timeTextS(epochS: number | null): string | null {
  return epochS === null ? null : new Date(epochS * 1_000).toISOString()
}

/** All that a board of the truth may say. */
export const BOARD_MEMBERS = [
  'serial',
  'hashrate_hs',
  'nominal_hs',
  'temp_board_c',
  'temp_chip_c',
  'chips',
  'freq_mhz',
  'hw_errors',
] as const
type BoardMember = (typeof BOARD_MEMBERS)[number]

/** The first object with the members of the second one laid over it. */
export function overlaid(object: JsonObject, members: JsonObject): JsonObject {
  return { ...object, ...members }
}

/** The truth's boards with what this vendor says of them; the rest is null. */
export function boardsSaying(truth: MachineTruth, said: readonly BoardMember[]): JsonObject[] {
  const unsaid = Object.fromEntries(
    BOARD_MEMBERS.filter((name) => !said.includes(name)).map((name) => [name, null]),
  )
  return (telemetryOf(truth)['boards'] as readonly JsonObject[]).map((board) => overlaid(board, unsaid))
}

/** How the machine says when the last share was: as a time by its clock, or as a duration. */
type LastShare = 'time' | 'duration'

/** cgminer's answer to `pools`, with logins in its URLs. `first` is the number of the first pool. */
export function cgminerPoolsAnswer(
  truth: StyledTruth,
  { first, lastShare, clockS }: { first: number; lastShare: LastShare; clockS: number | null },
): JsonObject {
  const pools = truth.pools.map((pool, index) =>
    ordered(
      {
        POOL: index + first,
        URL: pool.url.replace('://', `://acct:${PASSWORD}@`),
        User: pool.user,
        Password: PASSWORD,
        Status: pool.isAlive ? 'Alive' : 'Dead',
        Priority: index,
        'Stratum Active': index === 0,
        Accepted: pool.accepted,
        Rejected: pool.rejected,
        Stale: pool.stale,
        'Get Failures': 4,
        'Last Share Time': lastShareOf(pool, lastShare, clockS),
        'Stratum Difficulty': pool.difficulty,
        'Pool Rejected%': 0.2,
      },
      truth.style.order,
    ),
  )
  const unused = {
    POOL: pools.length + first,
    URL: '',
    User: '',
    Status: 'Dead',
    Accepted: 0,
    Rejected: 0,
    Stale: 0,
  }
  const status = [{ STATUS: 'S', When: clockS ?? undefined, Msg: 'Pools' }]
  return { STATUS: status, POOLS: listed(truth.choice % 2 === 0 ? pools : [...pools, unused], truth) }
}

function lastShareOf(
  pool: PoolTruth,
  lastShare: LastShare,
  clockS: number | null,
): string | number | undefined {
  const { shareAgeS, accepted } = pool
  if (lastShare === 'duration') {
    // How long the pool has been there, while it has had no share.
    return clockText(accepted === 0 ? 4_321 : (shareAgeS ?? 0))
  }
  return shareAgeS === null || clockS === null ? 0 : clockS - shareAgeS
}

/** The pools of such an answer. */
export function cgminerPoolsTelemetry(
  truth: StyledTruth,
  clockS: number | null,
  lastShare: LastShare,
): JsonObject[] {
  return truth.pools.map((pool, index) => {
    const { shareAgeS } = pool
    const isTold =
      lastShare === 'duration' || (shareAgeS !== null && clockS !== null && clockS - shareAgeS > 0)
    const lastS = pool.accepted > 0 && isTold ? POLLED_AT_S - (shareAgeS ?? 0) : null
    return {
      index,
      url: pool.url,
      user: pool.user,
      priority: index,
      active: index === 0,
      alive: pool.isAlive,
      accepted: pool.accepted,
      rejected: pool.rejected,
      stale: pool.stale,
      get_failures: 4,
      difficulty: pool.difficulty,
      last_share_at: timeTextS(lastS),
    }
  })
}

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { DecisionRow } from './decisions.ts'
import { Problems } from '../problems.ts'
import { NO_RESERVATIONS, Spending } from './spending.ts'

const DAY_MS = 86_400_000
const RECEIVED_AT_MS = 20_000 * DAY_MS + 3_600_000

/** A cost of 4 for work that was done `ageMs` before its receipt, judged by a limit of 10 with nothing spent on its day. */
function lateCost(ageMs: number, decision: string, fields: Partial<DecisionRow> = {}): DecisionRow {
  const occurredAtMs = RECEIVED_AT_MS - ageMs
  return {
    nodeId: 'node-a',
    costSeq: 1,
    id: 'a'.repeat(32),
    operatorId: 'op',
    taskSource: 'hive',
    occurredAtMs,
    decidedAtMs: RECEIVED_AT_MS + 5,
    decision,
    costNanoUsd: 4n,
    spark: 1n,
    sparkPerUsd: 100n,
    rulesVersion: 1,
    reservationId: '',
    microSpark: 1_000_000n,
    day: Math.floor(occurredAtMs / DAY_MS),
    daySpent: 0n,
    dayLimit: 10n,
    ...fields,
  }
}

function linesOf(rows: readonly DecisionRow[], receivedAtMs = RECEIVED_AT_MS): string[] {
  const problems = new Problems()
  const spending = new Spending(NO_RESERVATIONS, problems)
  for (const row of rows) spending.add('cost', row, row.decision === 'pending', receivedAtMs)
  return problems.lines()
}

it('holds costs that came late to the limit of their day of receipt, whatever day their work is of', () => {
  const days = [2, 3, 4].map((days) => days * DAY_MS)
  const [first, second, third] = days as [number, number, number]
  const two = [lateCost(first, 'pending'), lateCost(second, 'pending')]
  assert.deepEqual(linesOf([...two, lateCost(third, 'over_limit')]), [])
  assert.match(linesOf([...two, lateCost(third, 'pending')])[0] ?? '', /is pending: 0 of 10 nano-USD/)
  assert.match(linesOf([lateCost(first, 'over_limit')])[0] ?? '', /is over_limit: 0 of 10 nano-USD/)
})

it('counts late costs that met no limit, and leaves alone what came in time', () => {
  const unlimited = lateCost(2 * DAY_MS, 'pending', { dayLimit: 0n, costNanoUsd: 9n })
  assert.deepEqual(linesOf([unlimited, lateCost(3 * DAY_MS, 'over_limit')]), [])
  const inTime = lateCost(DAY_MS, 'over_limit')
  assert.match(linesOf([unlimited, inTime])[0] ?? '', /is over_limit: 0 of 10 nano-USD/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededDice } from '../../infra/local/sample/random.ts'
import { inboxUsageCodec } from '../../schemas/avro.ts'
import { NodeTotalSums } from '../../services/verify/node-totals.ts'
import { FuzzedInboxLog } from './fuzzed-inbox-log.ts'
import { FuzzedUsageLog } from './fuzzed-usage-log.ts'
import { fuzzSeed } from './seed.ts'

const START_MS = Date.UTC(2026, 0, 30, 12)
const USAGE_RECORDS = 55_000
const INBOX_RECORDS = 30_000
const BATCHES_PER_ROUND = 40

/** Ids leave memory after three days: a copy with another time would be new then, and verify is stricter. */
const ROUND_MS = 1_500_000

/** The settler's log time passes faster: outcomes, limits and caps depend on days. */
const INBOX_PACE = 8

test('whatever stands in the logs, the tasks go on, and every record and event comes to one end', async (t) => {
  const dice = seededDice(fuzzSeed(t))
  const usage = new FuzzedUsageLog(dice)
  const inbox = new FuzzedInboxLog(dice, usage.nodes)
  const handed = new NodeTotalSums()
  let nowMs = START_MS
  await inbox.begin(nowMs)
  const add = (range: Buffer): void => {
    for (const sum of inboxUsageCodec.decode(range).sums) handed.addSum(sum)
  }
  const first = await usage.takeTruncated(nowMs)
  for (const range of first) add(range)
  await inbox.take(first, 0, nowMs)
  for (let round = 0; usage.records < USAGE_RECORDS || inbox.records < INBOX_RECORDS; round++) {
    // A broker's clock may step back.
    nowMs += dice.between(-60_000, ROUND_MS)
    const ranges = usage.records < USAGE_RECORDS ? await usage.take(BATCHES_PER_ROUND, nowMs) : []
    for (const range of ranges) add(range)
    await inbox.take(ranges, BATCHES_PER_ROUND / 4, START_MS + (nowMs - START_MS) * INBOX_PACE)
    if (round % 40 === 20) {
      usage.log.restart()
      inbox.log.restart()
    }
  }
  usage.assertConserved()
  inbox.assertConserved()
  assert.deepEqual(handed.nodes, usage.totals.nodes, 'sums that were handed over, in whole numbers')
  const largest = [...handed.nodes.values()].reduce(
    (most, { cost_nano_usd }) => (cost_nano_usd > most ? cost_nano_usd : most),
    0n,
  )
  t.diagnostic(
    `${usage.records} records with ${usage.events} events, ${usage.counted} counted; ${inbox.records} of the inbox, ${inbox.model.setAside.length} set aside; a node's cost came to ${largest} nano-USD`,
  )
  assert.ok(largest > 2n ** 64n, `${largest} nano-USD`)
})

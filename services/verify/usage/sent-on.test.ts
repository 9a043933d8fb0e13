import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { usageEventsCodec } from '../../../schemas/avro.ts'
import { RULES } from '../../../schemas/since.ts'
import { FORWARDED_HEADER, RECEIPT_HEADER, RECEIPT_PROOF_HEADER } from '../../../schemas/usage.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { eventId, nodesOfPartition, usageEvent } from '../../../test/support/records/usage-events.ts'
import { Differences } from '../differences.ts'
import { SentOn } from './sent-on.ts'
import type { SourceRecord } from '../source.ts'
import { UsageModel, copiesOf } from './model.ts'

const AT_MS = 1_700_000_000_000
const TOPIC = 'usage.metered'
const ID_KEY = Buffer.alloc(32, 7)
const PARTITIONS = 2
const [foreign = ''] = nodesOfPartition(1, PARTITIONS, 1)
const EVENT = usageEvent({ event_id: eventId(1), node_id: foreign, occurred_at: AT_MS })

function record(offset: number, timestampMs: number, events: readonly UsageEvent[]): SourceRecord {
  const value = usageEventsCodec.encode({ events: [...events] })
  return { partition: 0, offset: BigInt(offset), timestampMs, key: null, value, headers: {} }
}

/** The copy as the aggregator sends it on. */
function copy(offset: number, events: readonly UsageEvent[], receiptMs = AT_MS): SourceRecord {
  const plain = record(offset, AT_MS + 50, events)
  const value = plain.value as Buffer
  const hash = createHash('sha256').update(value).digest('hex')
  const proven = `hivemeter/receipt/1\n${TOPIC}\n${receiptMs}\n${hash}`
  const headers = {
    [FORWARDED_HEADER]: '1',
    [RECEIPT_HEADER]: String(receiptMs),
    [RECEIPT_PROOF_HEADER]: createHmac('sha256', ID_KEY).update(proven).digest('hex'),
  }
  const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { ...plain, headers: Object.fromEntries(bytes) }
}

/** Partition 0 holds an event of partition 1, which holds `there` up to its horizon and `behind` after it. */
async function differencesOf(
  there: readonly SourceRecord[],
  behind: readonly SourceRecord[] = [],
  range = { start: 0n, end: 100n },
  startMs: number | null = AT_MS,
): Promise<string[]> {
  const sentOn = new SentOn(TOPIC, PARTITIONS)
  const idKey = (): Buffer => ID_KEY
  for (const [partition, records] of [[record(0, AT_MS, [EVENT])], there].entries()) {
    const model = new UsageModel({
      partition,
      partitions: PARTITIONS,
      models: [],
      modelsVersion: 0,
      since: [{ rules: RULES, offset: 0 }],
      topic: TOPIC,
      idKey,
    })
    for (const one of records) {
      const outcome = model.apply(one)
      for (const event of outcome.sentOn) sentOn.expect(partition, event)
      sentOn.found(outcome.copies)
    }
    sentOn.read(partition, range, 10n, startMs)
  }
  const differences = new Differences()
  const logs = {
    range: async () => range,
    async *read(_role: string, partition: number, { from }: { readonly from?: bigint }) {
      assert.deepEqual([partition, from], [1, 10n])
      yield* behind
    },
  }
  await sentOn.compare(logs, differences, (partition, one) =>
    copiesOf(one, partition, { topic: TOPIC, idKey }),
  )
  return differences.lines()
}

test('an event on a wrong partition has its copy, up to the horizon of its own or behind it', async () => {
  assert.deepEqual(await differencesOf([copy(0, [EVENT])]), [])
  assert.deepEqual(await differencesOf([], [copy(20, [EVENT])]), [])
})

test('a copy that is missing is named, and so is one that is not the same, not proven, or the sender’s own', async () => {
  const missing = /^usage\.metered partition 0 record 0 event 0, sent on to partition 1: \(row\) is absent/
  for (const there of [
    [],
    [copy(0, [{ ...EVENT, event_text: 'another spelling' }])],
    [copy(0, [EVENT], AT_MS - 1)],
    [{ ...copy(0, [EVENT]), headers: { [FORWARDED_HEADER]: Buffer.from('1') } }],
    [record(0, AT_MS, [EVENT])],
  ]) {
    const [line = '', ...more] = await differencesOf(there, there)
    assert.match(line, missing)
    assert.deepEqual(more, [])
  }
})

test('where the partition no longer holds records of that time, a copy may have been deleted', async () => {
  const cut = { start: 5n, end: 100n }
  assert.deepEqual(await differencesOf([], [], cut, AT_MS), [])
  assert.equal((await differencesOf([], [], cut, AT_MS - 1)).length, 1)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cost, inboxUsage, nodeSum } from '../../../test/support/records/inbox.ts'
import { eventId } from '../../../test/support/records/usage-events.ts'
import { Differences } from '../differences.ts'
import type { Logs } from '../logs.ts'
import type { SourceRecord } from '../source.ts'
import { readHandedOver } from './handed-over.ts'
import type { HandedOver } from './handed-over.ts'

const ALL = { start: 0n, end: 100 }

/** A record for the events of node `n` in `[from, to)`: a sum, and a cost for each number. */
function range(from: number, to: number, ...costs: number[]): Buffer {
  const entries = costs.map((number) => ({
    node_id: 'n',
    operator_id: `op-${number}`,
    cost: cost(number, { event_id: eventId(number) }),
  }))
  return inboxUsage(from, to, { entries, sums: [nodeSum('n')] })
}

async function read(
  values: readonly (Buffer | null)[],
  within = ALL,
  startOffset = 0,
): Promise<HandedOver & { readonly lines: string[]; readonly taken: number }> {
  const records = values.map(
    (value, index): SourceRecord => ({
      partition: 0,
      offset: BigInt(startOffset + index),
      timestampMs: 0,
      key: null,
      value,
      headers: {},
    }),
  )
  let taken = 0
  const logs = {
    range: () => Promise.resolve({ start: BigInt(startOffset), end: BigInt(startOffset + records.length) }),
    read: async function* () {
      for (const record of records) {
        taken += 1
        yield await Promise.resolve(record)
      }
    },
  } as unknown as Logs
  const differences = new Differences()
  const handed = await readHandedOver(logs, 0, within, differences)
  return { ...handed, lines: differences.lines(), taken }
}

test('ranges add up, each once, and what is no range is passed over', async () => {
  const { from, costs, totals, operators, lines } = await read([
    null,
    Buffer.from('not ours'),
    range(0, 3, 1),
    range(0, 3, 1),
    range(3, 9, 2),
  ])
  assert.deepEqual(from, { offset: 0, index: 0 })
  assert.equal(costs.size, 2)
  assert.equal(totals.of('n').events, 2n)
  assert.equal(operators.get('n'), 'op-1')
  assert.deepEqual(lines, [])
})

test('an inbox that was cut begins with its first range; what usage.metered has lost is left out', async () => {
  const { from, costs } = await read(
    [range(4, 6, 1), range(6, 8, 2), range(8, 9, 3)],
    { start: 5n, end: 100 },
    7,
  )
  assert.deepEqual(from, { offset: 6, index: 0 })
  assert.equal(costs.size, 2)
})

test('a gap ends it', async () => {
  const { costs, lines } = await read([range(0, 3, 1), range(4, 5, 2)])
  assert.equal(costs.size, 1)
  assert.deepEqual(lines, [])
})

test('nothing behind the horizon is read', async () => {
  const { costs, taken } = await read([range(0, 3, 1), range(3, 5, 2), range(5, 7, 3)], { start: 0n, end: 5 })
  assert.deepEqual([costs.size, taken], [2, 2])
})

test('a cost that stands twice is a difference', async () => {
  const { lines } = await read([range(0, 3, 1), range(3, 5, 1)])
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^account\.inbox n .*: \(cost\) is present again, expected present once$/)
})

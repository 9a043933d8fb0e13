import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MINUTE_MS, SECOND_MS } from '../../schemas/units.ts'
import { STATE_KEY } from '../../schemas/avro.ts'
import { scriptOf } from '../../test/support/fleet/pages/one-worker.ts'
import { workersLog } from '../../test/support/fleet/pages/workers-log.ts'
import { batch, item, sample } from '../../test/support/records/fleet-items.ts'
import { fleetRecord } from '../../test/support/records/fleet-log.ts'

// What the version before workers has written to fleet.state, byte for byte: its task at offset 5, log time NOW_MS, and its
// node p/l/n with the numbers 1 to 4 of epoch 3.

const NOW_MS = 1_764_500_000_000
const TASK = '00000000480a0680b4aac6da6604000002060000'
const NODE =
  '00000000490270026c026e02000204020a312e302e303c060602020602020a0000080214646973636f766572656408000280' +
  'bab7030e746f6f5f6f6c640200'

const stored = (offset: bigint, key: string, hex: string) => ({
  partition: 0,
  offset,
  timestampMs: NOW_MS,
  key: Buffer.from(key),
  value: Buffer.from(hex, 'hex'),
  headers: {},
})

test('a task of the version before goes on where it was, with workers', async () => {
  const send = (offset: number, afterMs: number, seq: number, serials: readonly string[]) => {
    const atMs = NOW_MS + afterMs
    const items = serials.map((serial) => item({ sample: sample(atMs, { serial }) }))
    return fleetRecord(offset, atMs, { batch: batch(items, { epoch: 3, first_seq: seq }) })
  }
  const input = [
    send(4, -SECOND_MS, 4, ['S']),
    send(5, MINUTE_MS, 4, ['X', 'X']),
    send(6, 11 * MINUTE_MS, 6, ['S', 'X']),
  ]
  const log = workersLog([], scriptOf('S', NOW_MS + MINUTE_MS, { bornOffset: 5 }))
  log.stateRecords = [stored(0n, 'p/l/n', NODE), stored(1n, STATE_KEY.task, TASK)]
  log.input = input
  log.restart()
  assert.equal(log.position, 5n)
  await log.run([1, 1])
  const node = log.nodes().get('p/l/n')
  assert.deepEqual(structuredClone(node?.epochs), [{ epoch: 3, ranges: [{ from: 1, to: 8 }] }])
  // Of the two numbers at offset 5 the first was used before.
  assert.deepEqual(
    node?.outcomes.map(({ outcome, items }) => [outcome, items]),
    [
      ['repeat', 1],
      ['discovered', 6],
      ['current', 1],
    ],
  )
  const task = log.task()
  assert.equal(task?.position, 7)
  assert.deepEqual(structuredClone(task?.since[0]), { rules: 3, offset: 0 })
})

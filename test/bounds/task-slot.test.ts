import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TaskSlot } from '../../pipelines/kafka/task-slot.ts'
import type { TaskSlotParts } from '../../pipelines/kafka/task-slot.ts'
import { TASK_BOUNDS } from '../../pipelines/kafka/task.ts'
import type { TransactionalWriter } from '../../pipelines/kafka/transaction.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { bound } from '../support/named-bounds.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** A slot whose transactions end as `outcomes` say, and whose restores take `restoreMs`. */
function newSlot(clock: VirtualClock, outcomes: readonly ('committed' | 'unknown')[], restoreMs = 0) {
  const left = [...outcomes]
  let fences = 0
  const parts: TaskSlotParts = {
    stateTopic: 'usage.ids',
    instance: 'test',
    clock,
    logger: silentLogger,
    metrics: noMetrics,
    stateReader: {
      read: async () => {
        fences += 1
        if (restoreMs > 0) await clock.delay(restoreMs)
      },
    },
    openWriter: () =>
      ({
        commit: async () => {
          if (left.shift() === 'unknown') throw new Error('The connection was lost.')
          return [0n]
        },
        close: async () => {},
      }) as unknown as TransactionalWriter,
    openState: () => ({
      restore: () => {},
      restored: () => ({ position: 0n, appends: [] }),
      decide: async ({ nextOffset }) => ({
        appends: [{ topic: 'usage.ids', partition: 0, key: null, value: null }],
        position: nextOffset,
        groupOpen: false,
        pause: null,
      }),
      committed: () => ({ deleteStateBefore: null }),
      dispose: () => {},
    }),
    logStarts: async () => ({ input: 0n, state: 0n }),
    deleteStateBefore: async () => {},
    onFatal: assert.fail,
  }
  const slot = new TaskSlot(0, parts)
  return {
    slot,
    handle: (heartbeat = async () => {}) => slot.handle([], 1n, heartbeat),
    fences: () => fences,
  }
}

test('HEARTBEATS_BEFORE_FENCE and fenceIntervalMs: anew with the second heartbeat, and not within 5 s of the last fence', async () => {
  const heartbeats = bound('pipelines/kafka/task-slot.ts', 'HEARTBEATS_BEFORE_FENCE')
  const clock = new VirtualClock()
  const { slot, handle, fences } = newSlot(clock, ['committed', 'unknown', 'committed', 'unknown'])
  const loseOutcome = async (): Promise<void> => {
    assert.equal((await handle()).next, 'seek')
    assert.deepEqual(await handle(), { next: 'pause' })
    assert.equal(slot.phase, 'waiting')
  }
  await loseOutcome()
  clock.pass(TASK_BOUNDS.fenceIntervalMs)
  for (let heartbeat = 1; heartbeat < heartbeats; heartbeat += 1) assert.equal(slot.onHeartbeat(), false)
  assert.equal(slot.onHeartbeat(), true, 'the interval is over, and this is the second one')

  await loseOutcome()
  clock.pass(TASK_BOUNDS.fenceIntervalMs - 1)
  for (let heartbeat = 0; heartbeat <= heartbeats; heartbeat += 1) assert.equal(slot.onHeartbeat(), false)
  slot.onAssigned()
  assert.equal(slot.phase, 'waiting', 'a rejoin is no way around the interval')
  clock.pass(1)
  assert.equal(slot.onHeartbeat(), true)
  assert.equal(slot.phase, 'assigned')
  assert.equal(fences(), 2)
})

test('heartbeatIntervalMs: a restore keeps the session alive while it lasts', async () => {
  const clock = new VirtualClock()
  const { heartbeatIntervalMs, sessionTimeoutMs } = TASK_BOUNDS
  assert.ok(heartbeatIntervalMs * 3 <= sessionTimeoutMs)
  for (const [restoreMs, expected] of [
    [heartbeatIntervalMs - 1, 0],
    [10 * heartbeatIntervalMs + 1, 10],
  ] as const) {
    const { slot, handle } = newSlot(clock, [], restoreMs)
    let heartbeats = 0
    await handle(async () => void (heartbeats += 1))
    assert.equal(heartbeats, expected)
    assert.equal(slot.phase, 'running')
  }
})

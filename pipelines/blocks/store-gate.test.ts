import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storedMark, TEST_INSTALLATION } from '../../test/support/memory/stored-marks.ts'
import { HaltError } from '../log/records.ts'
import type { StoredMark } from './fit.ts'
import { StoreGate, UNASKED_SILENCE_MS_MAX } from './store-gate.ts'

const TASK = { lastSeq: 100, position: 900, watermarkMs: 5_000 }
const NOW_MS = 1_800_000_000_000

function gateWith(told: { mark: StoredMark | null }): StoreGate {
  const marks = { of: () => told.mark, queried: Promise.resolve() }
  return new StoreGate({ installationId: TEST_INSTALLATION, topic: 'usage.blocks', partition: 0, marks })
}

test('without an answer a task passes that wrote a moment ago, and no other', async () => {
  for (const [silenceMs, expected] of [
    [0, true],
    [UNASKED_SILENCE_MS_MAX, true],
    [UNASKED_SILENCE_MS_MAX + 1, false],
    [null, false],
  ] as const) {
    const gate = gateWith({ mark: null })
    if (silenceMs !== null) gate.recordedAt(NOW_MS)
    gate.fencedAt(NOW_MS + (silenceMs ?? 0))
    assert.equal(await gate.pass(TASK), expected, String(silenceMs))
    assert.equal(gate.isOpen, false, 'ClickHouse is still to be asked')
  }
})

test('it opens with the first answer that fits, and halts with one that does not', async () => {
  const told: { mark: StoredMark | null } = { mark: null }
  const gate = gateWith(told)
  gate.recordedAt(NOW_MS)
  gate.fencedAt(NOW_MS)
  assert.equal(await gate.pass(TASK), true)
  told.mark = storedMark({ seq: 101 })
  await assert.rejects(
    gate.pass(TASK),
    (error) => error instanceof HaltError && error.reason === 'kafka_older',
  )
  told.mark = storedMark({ seq: 99 })
  assert.equal(await gate.pass(TASK), true)
  assert.equal(gate.isOpen, true)
})

test('other tables halt before numbers are compared', async () => {
  const gate = gateWith({ mark: storedMark({ seq: 500, installationIds: ['other'] }) })
  await assert.rejects(
    gate.pass(TASK),
    (error) => error instanceof HaltError && error.reason === 'other_installation',
  )
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { History, HistoryError, allowedOf } from './history.ts'
import { parseAttempt } from './history-lines.ts'
import { measuresOf } from '../measures.ts'
import { attemptOf, workOf } from '../world-fixture.ts'

const LINE = {
  id: 'ab'.repeat(16),
  node: 'node-a',
  operator: null,
  model: 'luxtts',
  source: 'hive',
  at: 1_000,
  in: 1,
  out: 2,
  duration: null,
  gpu: 3,
  energy: null,
  energySource: 'none',
  cost: 4,
  inferences: 1,
  execution: null,
  outcome: 'accepted',
}

describe('history', () => {
  it('reads a line, and names the field of one that it cannot', () => {
    const attempt = parseAttempt(JSON.stringify(LINE))
    assert.deepEqual(attempt, {
      nodeId: 'node-a',
      id: LINE.id,
      work: {
        operatorId: null,
        modelId: 'luxtts',
        taskSource: 'hive',
        occurredAtMs: 1_000,
        tokensIn: 1,
        tokensOut: 2,
        durationMs: null,
        gpuMs: 3,
        energyMwh: null,
        energySource: 'none',
        costNanoUsd: 4,
        inferences: 1,
        execution: null,
      },
      outcome: 'accepted',
      isConflict: false,
    })
    assert.throws(() => parseAttempt(JSON.stringify({ ...LINE, source: 'other' })), /"source" is none of own/)
    assert.throws(() => parseAttempt(JSON.stringify({ ...LINE, in: 1.5 })), /"in" is not a whole number/)
    assert.throws(() => parseAttempt('{"id":'), HistoryError)
  })

  it('counts identities, not attempts', () => {
    const history = new History()
    history.add(attemptOf('node-a', 1, { outcome: 'unknown' }))
    history.add(attemptOf('node-a', 1))
    history.add(attemptOf('node-a', 1, { outcome: 'refused' }))
    history.add(attemptOf('node-b', 1, { outcome: 'unknown' }))
    history.add(attemptOf('node-b', 2, { outcome: 'refused' }))
    assert.deepEqual(history.counts(), { accepted: 1, unknown: 1, refused: 1 })
  })

  it('allows the contents of a conflict, and refuses a second content that is none', () => {
    const other = workOf({ tokensOut: 51 })
    const history = new History()
    history.add(attemptOf('node-a', 1, { work: other, isConflict: true, outcome: 'unknown' }))
    history.add(attemptOf('node-a', 1))
    history.add(attemptOf('node-a', 1, { work: workOf({ tokensOut: 9 }), outcome: 'refused' }))
    const [sent] = history.sent.values()
    assert.deepEqual(sent === undefined ? [] : allowedOf(sent), [other, workOf()])
    assert.equal(sent?.mustAppear, true)
    history.add(attemptOf('node-a', 2))
    assert.throws(() => history.add(attemptOf('node-a', 2, { work: other })), /two contents and no conflict/)
  })
})

describe('measures', () => {
  it('estimates what was not given, by the model table of the version', () => {
    const estimated = workOf({ tokensIn: 3_000, tokensOut: 600, modelId: 'gpt-4.1' })
    assert.deepEqual(measuresOf(estimated, 1), {
      gpuMsMeasured: 0,
      gpuMsEstimated: 3_600,
      gpuMsPaidEstimated: 3_600,
      energyMwhMeasured: 0,
      energyMwhEstimated: 170,
      energyMwhCompatible: 1_000,
    })
    assert.equal(measuresOf(estimated, 0).energyMwhCompatible, 170)
    assert.equal(measuresOf({ ...estimated, modelId: 'whisper-stt' }, 1).energyMwhEstimated, 0)
    const calls = workOf({ modelId: 'groq', inferences: 270 })
    assert.equal(measuresOf(calls, 1).energyMwhCompatible, 270_000, 'each call of a paid API')
    assert.equal(measuresOf({ ...calls, execution: 'local' }, 1).energyMwhCompatible, 7)
    assert.equal(measuresOf(workOf({ execution: 'api' }), 1).gpuMsPaidEstimated, 150)
    const metered = measuresOf(workOf({ gpuMs: 5, energyMwh: 9, energySource: 'meter' }), 1)
    assert.deepEqual(Object.values(metered), [5, 0, 0, 9, 0, 9])
    const guessed = measuresOf(workOf({ gpuMs: 5, energyMwh: 9, energySource: 'estimate' }), 1)
    assert.deepEqual(Object.values(guessed), [5, 0, 0, 0, 9, 9])
  })
})

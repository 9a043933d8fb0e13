import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TASK_STATES } from '../../schemas/metrics.ts'
import { isLegalStep, TASK_PHASES } from './task.ts'

test('every phase is reached from the first one, and a halt is left by nothing but a new task', () => {
  const reached = new Set(['assigned'])
  // A set may grow while it is iterated.
  for (const from of reached) {
    for (const to of TASK_PHASES) {
      if (isLegalStep(from as (typeof TASK_PHASES)[number], to)) reached.add(to)
    }
  }
  assert.deepEqual(reached, new Set(TASK_PHASES))
  assert.deepEqual(
    TASK_PHASES.filter((to) => isLegalStep('halted', to)),
    [],
  )
})

test('nothing runs without a fence and a restore behind it', () => {
  assert.deepEqual(
    TASK_PHASES.filter((from) => isLegalStep(from, 'running')),
    ['restoring'],
  )
  assert.deepEqual(
    TASK_PHASES.filter((from) => isLegalStep(from, 'restoring')),
    ['fencing'],
  )
})

test('the phases are those of the metric', () => {
  assert.deepEqual(TASK_PHASES, TASK_STATES)
})

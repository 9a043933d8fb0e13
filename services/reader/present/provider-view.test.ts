import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Account } from '../../../schemas/records.ts'
import type { ProviderMode } from '../../../schemas/http/provider.ts'
import { testRules } from '../../../test/support/records/rules.ts'
import { account } from '../../../test/support/records/state-records.ts'
import { LIFETIME, lifetimeWork, providerView } from './provider-view.ts'

const HOUR_MS = 3_600_000n

function viewOf(fields: Partial<Account>, mode: ProviderMode) {
  const node = account({ node_id: 'n', ...fields })
  const state = { account: node, partition: 0, asOfMs: 1, rules: testRules(), nowMs: 1 }
  return providerView({ state, mode, period: LIFETIME, work: lifetimeWork(node), asOfMs: 1 })
}

const WORK = {
  inferences: 3n,
  gpu_ms_measured: 2n * HOUR_MS,
  gpu_ms_estimated: 5n * HOUR_MS,
  gpu_ms_paid_estimated: 4n * HOUR_MS,
}

test('what paid calls were estimated to is GPU time in the compatible mode, and none in the corrected one', () => {
  const compatible = viewOf(WORK, 'compatible')
  assert.equal(compatible.compute_stats.gpu_hours_served, 7)
  assert.equal(compatible.sources.gpu_time['estimated_gpu_ms'], 5n * HOUR_MS)
  const corrected = viewOf(WORK, 'corrected')
  assert.equal(corrected.compute_stats.gpu_hours_served, 3)
  assert.equal(corrected.compute_stats.gpu_ms, 3n * HOUR_MS)
  assert.equal(corrected.sources.gpu_time['estimated_gpu_ms'], HOUR_MS)
  const weight = (view: typeof corrected): number => view.contribution.breakdown.gpu_hours_weight
  assert.ok(weight(corrected) < weight(compatible))
  // A node that has only called paid APIs has served none.
  const none = viewOf({ gpu_ms_estimated: HOUR_MS, gpu_ms_paid_estimated: HOUR_MS }, 'corrected')
  assert.equal(none.compute_stats.gpu_hours_served, 0)
})

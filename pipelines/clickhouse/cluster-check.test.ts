import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterProblem, keeperRefusal } from './cluster-check.ts'
import type { ReplicaFacts } from './cluster-check.ts'
import { ClickhouseAway, ClickhouseRefused } from './errors.ts'
import { MigrationRefused } from './migrate-files.ts'
import { formProblem } from './table-form.ts'

const FIT: ReplicaFacts = {
  shards: [1, 1],
  clusters: ['default', 'hive'],
  macros: { shard: '1', replica: 'r1' },
  engines: { usage_1m: 'ReplicatedAggregatingMergeTree', a_view: 'View' },
}
const SECOND: ReplicaFacts = { ...FIT, macros: { shard: '1', replica: 'r2' } }

test('a cluster of one shard whose replicas know each other and have names fits, also before its tables are made', () => {
  assert.equal(clusterProblem('hive', 'd', [FIT, SECOND]), undefined)
  const empty = { ...FIT, engines: {} }
  assert.equal(clusterProblem('hive', 'd', [empty, { ...SECOND, engines: {} }]), undefined)
})

test('what does not fit is named with what to do', () => {
  for (const [second, message] of [
    [{ ...SECOND, shards: [] }, /knows no cluster hive \(it knows default, hive\).*system\.clusters/],
    [{ ...SECOND, shards: [], clusters: [] }, /\(it knows none\)/],
    [{ ...SECOND, shards: [1, 2] }, /has 2 shards; .*one shard/],
    [{ ...SECOND, shards: [1, 1, 1] }, /names 2 of the 3 replicas of hive/],
    [{ ...SECOND, macros: { shard: '1' } }, /has no macro replica/],
    [{ ...SECOND, macros: {} }, /has no macro shard and replica/],
    [{ ...SECOND, macros: { shard: '2', replica: 'r2' } }, /shard must be the same on all/],
    [{ ...SECOND, macros: FIT.macros }, /replica another on each/],
    [{ ...SECOND, engines: { usage_1m: 'AggregatingMergeTree' } }, /are not Replicated \(usage_1m\)/],
  ] as const) {
    assert.match(clusterProblem('hive', 'd', [FIT, second]) ?? 'fits', message)
  }
})

test('tables fit their settings by their engines', () => {
  assert.equal(formProblem('', 'd', { t: 'MergeTree', v: 'View', l: 'Log' }), undefined)
  assert.equal(formProblem('hive', 'd', { t: 'ReplicatedMergeTree', v: 'View' }), undefined)
  assert.match(
    formProblem('', 'd', { t: 'ReplicatedMergeTree' }) ?? '',
    /CLUSTER is empty, but tables of d are Replicated \(t\)/,
  )
  assert.match(
    formProblem('hive', 'd', { t: 'MergeTree' }) ?? '',
    /CLUSTER is hive, but tables of d are not Replicated \(t\)/,
  )
})

test('a server without Keeper is a setting to mend; one whose Keeper is away, or a single server, is not', () => {
  for (const code of [139, 225, 392]) {
    const refused = new ClickhouseRefused('no zookeeper', { code })
    const said = keeperRefusal(refused, 'hive')
    assert(said instanceof MigrationRefused)
    assert.match(
      said.message,
      /it has no Keeper, or .*<zookeeper> and <distributed_ddl> on every replica \(no zookeeper\)/,
    )
    assert.equal(keeperRefusal(refused, ''), refused)
  }
  const away = new ClickhouseAway('Keeper does not answer')
  assert.equal(keeperRefusal(away, 'hive'), away)
  const other = new ClickhouseRefused('no access', { code: 497 })
  assert.equal(keeperRefusal(other, 'hive'), other)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idLookup } from '../../pipelines/clickhouse/queries/id-lookup.ts'
import { LOADER_SESSION_TIMEOUT_MS } from '../../pipelines/load/block-pump.ts'
import type { BlockSession } from '../../pipelines/load/block-session.ts'
import { HaltError } from '../../pipelines/log/records.ts'
import { noFailpoint } from '../../pipelines/failpoints.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { LOADER_REST_MS, PartitionLoader } from '../../pipelines/load/pipeline.ts'
import { INSERT_TIME_LIMIT_MS } from '../../pipelines/load/store.ts'
import { BUCKET_MS, IdMemory } from '../../pipelines/dedupe/id-memory.ts'
import { ENTRY_BYTES } from '../../pipelines/dedupe/id-table.ts'
import { idsCodec, STATE_KEY } from '../../schemas/avro.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { AggregatorLog, usageRecord } from '../support/records/aggregator-log.ts'
import { blockRecord } from '../support/records/block-records.ts'
import { fakeClickhouse } from '../support/servers/clickhouse.ts'
import { MemoryStore } from '../support/memory/memory-store.ts'
import { bound } from '../support/oracles/named-bounds.ts'
import { eventId, usageEvent } from '../support/records/usage-events.ts'
import { VirtualClock } from '../support/memory/virtual-clock.ts'
import { TEST_INSTALLATION } from '../support/memory/stored-marks.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const SOURCE = { topic: 'usage.blocks', partition: 0 }
const GROUP = [
  blockRecord({ seq: 1, offset: 0n, begins: true }),
  blockRecord({ seq: 2, offset: 1n, table: 'watermarks', ends: true }),
]

test('IDS_PER_RECORD_MAX: one new id more stands in a second record of usage.ids', async () => {
  const idsMax = bound('pipelines/dedupe/id-records.ts', 'IDS_PER_RECORD_MAX')
  for (const [count, expected] of [
    [idsMax, [idsMax]],
    [idsMax + 1, [idsMax, 1]],
  ] as const) {
    const ids = Array.from({ length: count }, (_, id) => id)
    const input = Array.from({ length: Math.ceil(count / 10_000) }, (_, record) =>
      usageRecord(
        record,
        NOW,
        ids
          .slice(record * 10_000, (record + 1) * 10_000)
          .map((id) => usageEvent({ event_id: eventId(id), occurred_at: NOW })),
      ),
    )
    const log = new AggregatorLog({ input })
    await log.step(input.length)
    const records = log.values('usage.ids', STATE_KEY.ids)
    assert.deepEqual(
      records.map((value) => idsCodec.decode(value).ids.length / ENTRY_BYTES),
      expected,
    )
  }
})

test('BUCKET_MS: a bucket closes with the hour of log time that it began in', () => {
  const hourMs = Math.floor(NOW / BUCKET_MS) * BUCKET_MS
  for (const [acceptedAtMs, isClosed] of [
    [hourMs + BUCKET_MS - 1, false],
    [hourMs + BUCKET_MS, true],
  ] as const) {
    const memory = new IdMemory({ held: 0, max: 1 })
    const record = { newestOccurredAt: 5, lastSeq: 1, offset: 0n }
    memory.add(new Int32Array([1, 0, 0, 0, 0, 0]))
    memory.endRecord({ ...record, acceptedAtMs: hourMs })
    memory.add(new Int32Array([2, 0, 0, 0, 0, 0]))
    memory.endRecord({ ...record, acceptedAtMs })
    memory.add(new Int32Array([3, 0, 0, 0, 0, 0]))
    memory.endRecord({ ...record, acceptedAtMs, lastSeq: 2 })
    // Rows are loaded up to number 1: only a bucket without the third id may leave.
    assert.equal(memory.evict(acceptedAtMs, 1, 0)?.ids, isClosed ? 2 : undefined)
  }
})

test('KEYS_PER_QUERY: one key more is asked for with a second statement', async () => {
  const keysMax = bound('pipelines/clickhouse/queries/id-lookup.ts', 'KEYS_PER_QUERY')
  const keyCounts: number[] = []
  const client = fakeClickhouse({
    rows: async (_sql, params: { nodes: string[] }) => {
      keyCounts.push(params.nodes.length)
      return [{ node: '', id: '', kind: '', content: '0', loaded: '7' }]
    },
  })
  const keys = (count: number) =>
    Array.from({ length: count }, (_, id) => ({
      nodeId: 'n',
      occurredAtMs: NOW,
      eventId: eventId(id),
      kind: 'id' as const,
    }))
  await idLookup(client, 'usage.blocks')(0, 7, keys(keysMax))
  assert.deepEqual(keyCounts.splice(0), [keysMax])
  await idLookup(client, 'usage.blocks')(0, 7, keys(keysMax + 1))
  assert.deepEqual(keyCounts, [keysMax, 1])
  assert.equal(await idLookup(client, 'usage.blocks')(0, 8, keys(1)), null, 'a replica behind counts as away')
})

/** What a session knows about the log; this test does not use it. */
const ofLog = {
  logRange: async () => ({ start: 0n, end: 0n }),
  offsetAt: async () => 0n,
}

function newLoader(clock: VirtualClock, store: MemoryStore): PartitionLoader {
  const loader = new PartitionLoader({
    source: SOURCE,
    installationId: TEST_INSTALLATION,
    store,
    clock,
    logger: silentLogger,
    failpoint: noFailpoint,
    metrics: noMetrics,
  })
  loader.assigned()
  return loader
}

test('half of LOADER_SESSION_TIMEOUT_MS: a heartbeat of that age may insert, an older one rests LOADER_REST_MS', async () => {
  for (const [ageMs, outcome] of [
    [LOADER_SESSION_TIMEOUT_MS / 2, { next: 'continue', openFrom: null }],
    [LOADER_SESSION_TIMEOUT_MS / 2 + 1, { next: 'again', offset: 0n, restMs: LOADER_REST_MS }],
  ] as const) {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const session: BlockSession = {
      heartbeat: async () => {},
      heartbeatAgeMs: () => ageMs,
      commit: () => {},
      ...ofLog,
      isEnding: () => false,
    }
    assert.deepEqual(await newLoader(clock, store).take(GROUP, session), outcome)
    assert.equal(store.parts.length, outcome.next === 'continue' ? 2 : 0)
  }
})

test('INSERT_TIME_LIMIT_MS: looked for so long after an OK, then the next token; PHANTOMS_MAX of them halt', async () => {
  const phantomsMax = bound('pipelines/load/pipeline.ts', 'PHANTOMS_MAX')
  const lookMs = bound('pipelines/load/pipeline.ts', 'LOOK_AGAIN_MS')
  const heartbeatMs = bound('pipelines/load/pipeline.ts', 'HEARTBEAT_MS')
  assert.ok(heartbeatMs < LOADER_SESSION_TIMEOUT_MS / 2)
  const clock = new VirtualClock()
  const startMs = clock.monotonicMs()
  const tokens: string[] = []
  const lookedAtMs: number[] = []
  const store = new MemoryStore(clock)
  store.insert = async (_insert, token) => void tokens.push(token)
  store.holds = async () => {
    lookedAtMs.push(clock.monotonicMs() - startMs)
    return false
  }
  const session = {
    heartbeat: async () => {},
    heartbeatAgeMs: () => 0,
    commit: () => {},
    ...ofLog,
    isEnding: () => false,
  }
  await assert.rejects(
    newLoader(clock, store).take(GROUP, session),
    (error) => error instanceof HaltError && error.reason === 'phantom_tokens',
  )
  assert.equal(tokens.length, 1 + phantomsMax)
  assert.ok(tokens.at(-1)?.endsWith(`-r${phantomsMax}`))
  // A look first, then for each token one look at once and one every `LOOK_AGAIN_MS`, up to and including the limit.
  assert.equal(lookedAtMs.length, 1 + (1 + phantomsMax) * (INSERT_TIME_LIMIT_MS / lookMs + 1))
  assert.equal(lookedAtMs.at(-1), (1 + phantomsMax) * INSERT_TIME_LIMIT_MS)
})

test('HEARTBEAT_MS: an INSERT that takes long keeps the session alive', async () => {
  const heartbeatMs = bound('pipelines/load/pipeline.ts', 'HEARTBEAT_MS')
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  let heartbeats = 0
  store.insert = async (insert) => {
    heartbeats = 0
    await clock.delay(INSERT_TIME_LIMIT_MS + 1)
    assert.equal(heartbeats, INSERT_TIME_LIMIT_MS / heartbeatMs, insert.table)
    store.parts.push({ table: insert.table, month: insert.month, seqs: [insert.firstSeq] })
  }
  const session = {
    heartbeat: async () => void (heartbeats += 1),
    heartbeatAgeMs: () => 0,
    commit: () => {},
    ...ofLog,
    isEnding: () => false,
  }
  assert.deepEqual(await newLoader(clock, store).take(GROUP, session), { next: 'continue', openFrom: null })
  assert.equal(store.parts.length, 2)
})

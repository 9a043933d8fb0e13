import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AGE_MS_MAX, AHEAD_MS_MAX } from '../../schemas/fleet/bounds.ts'
import type { FleetItem, FleetNode } from '../../schemas/fleet/records.ts'
import { tickCodec } from '../../schemas/avro.ts'
import { FleetModel } from '../../services/verify/fleet/model.ts'
import { readRecord } from '../../services/verify/fleet/decode.ts'
import { batch, item, nodeHeartbeat, poll, report, sample } from '../../test/support/records/fleet-items.ts'
import { FleetLog, fleetRecord } from '../../test/support/records/fleet-log.ts'
import type { Row } from '../../test/support/oracles/row-reader.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import type { TransactionEnd } from '../../test/support/records/task-log.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { RULES } from '../../schemas/since.ts'
import { HOUR_MS, SECOND_MS } from '../../schemas/units.ts'
import type { LogRecord } from '../log/records.ts'
import { QUARANTINED_HOURS_MAX } from './node.ts'

const NOW = Date.UTC(2026, 10, 30, 23, 59, 50)
const at = (ms: number): FleetItem => item({ sample: sample(NOW + ms) })

function outcomesOf(node: FleetNode | undefined): Record<string, number> {
  return Object.fromEntries((node?.outcomes ?? []).map(({ outcome, items }) => [outcome, items]))
}

async function ran(input: readonly LogRecord[]): Promise<FleetLog> {
  const log = new FleetLog(input)
  await log.run()
  return log
}

test('a sample is one row, with its numbers, its place in the log and its outcome', async () => {
  const power_w = 3_250.5
  const full = sample(NOW - 1_000, {
    mac: '02:00:00:00:0A:01',
    address: '10.20.1.7:4028',
    algorithm: 'sha256',
    hashrate_hs: { ...sample(0).hashrate_hs, now: 2 ** 53 - 1, _5m: 0 },
    power_w,
    temp_c: { ...sample(0).temp_c, chip_max: 71.3 },
    fans: [
      { index: 0, rpm: 5_400, pct: null },
      { index: 1, rpm: 0, pct: 30 },
    ],
    is_mining: true,
  })
  const log = await ran([
    fleetRecord(0, NOW, {
      batch: batch([item({ poll: poll(NOW) }), item({ sample: full })], { first_seq: 7 }),
    }),
  ])
  const [row, ...others] = log.rows('fleet_samples')
  assert.deepEqual(others, [])
  assert.partialDeepStrictEqual(row, {
    provider_id: 'p',
    location_id: 'l',
    node_id: 'n',
    worker_id: '',
    fingerprint: 'HM-0001',
    observed_at: NOW - 1_000,
    received_at: NOW,
    record_offset: 0n,
    record_index: 1,
    epoch: 1n,
    seq: 8n,
    lane: 'live',
    outcome: 'discovered',
    interval_s: 30,
    address: '10.20.1.7:4028',
    algorithm: 'sha256',
    hashrate_now_hs: 2n ** 53n - 1n,
    hashrate_5m_hs: 0n,
    hashrate_avg_hs: null,
    power_w,
    power_source: '',
    temp_chip_max_c: 71.3,
    temp_inlet_c: null,
    fan_rpm_min: 0,
    shares_accepted: null,
    is_mining: 1,
  })
})

test('every item has one outcome, at the edges of the rules about time', async () => {
  const items = [
    at(AHEAD_MS_MAX),
    at(AHEAD_MS_MAX + 1),
    at(-AGE_MS_MAX),
    at(-AGE_MS_MAX - 1),
    item({ refused: 'wrong_type' }),
    item({ report: report(NOW) }),
  ]
  const log = await ran([fleetRecord(0, NOW, { batch: batch(items) })])
  const node = log.nodes().get('p/l/n')
  assert.deepEqual(outcomesOf(node), { discovered: 3, quarantined: 1, refused: 2 })
  const hour = NOW - (NOW % HOUR_MS)
  assert.deepEqual(JSON.parse(JSON.stringify(node?.quarantined)), [{ hour, reason: 'too_old', items: 1 }])
  assert.deepEqual(
    log.rows('fleet_samples').map(({ record_index }) => record_index),
    [0, 2],
  )
})

test('a batch that comes again changes nothing but the count of repeats', async () => {
  const same = { batch: batch([at(0), at(1), item({ refused: 'missing' })]) }
  const log = await ran([fleetRecord(0, NOW, same), fleetRecord(1, NOW + 5, same)])
  assert.equal(log.rows('fleet_samples').length, 2)
  assert.deepEqual(outcomesOf(log.nodes().get('p/l/n')), { repeat: 3, discovered: 2, refused: 1 })
})

test('time never falls: an item is judged by the latest time that the log has had', async () => {
  const late = { batch: batch([at(-AGE_MS_MAX)], { first_seq: 2 }) }
  const log = await ran([fleetRecord(0, NOW + 10, { batch: batch([at(0)]) }), fleetRecord(1, NOW, late)])
  assert.deepEqual(outcomesOf(log.nodes().get('p/l/n')), { discovered: 1, quarantined: 1 })
  assert.equal(log.task()?.now, NOW + 10)
})

test('what the node holds no more is lost, and counted', async () => {
  const log = await ran([
    fleetRecord(0, NOW, { batch: batch([at(0)]) }),
    fleetRecord(1, NOW, { batch: batch([at(1)], { first_seq: 5, low: { epoch: 1, seq: 4 } }) }),
    fleetRecord(2, NOW, { batch: batch([at(2)], { first_seq: 3 }) }),
  ])
  const node = log.nodes().get('p/l/n')
  assert.equal(node?.lost, 2)
  assert.deepEqual(outcomesOf(node), { repeat: 1, discovered: 2 }, 'a closed number can only be a copy')
})

test('a heartbeat says that the node is there, and what it is', async () => {
  const heartbeat = nodeHeartbeat({ epoch: 4, software_version: '2.1.0', interval_s: 60 })
  const log = await ran([fleetRecord(0, NOW, { heartbeat })])
  const node = log.nodes().get('p/l/n')
  assert.partialDeepStrictEqual(node, {
    first_seen_at: NOW,
    last_heartbeat_at: NOW,
    last_data_at: null,
    software_version: '2.1.0',
    interval_s: 60,
    epoch: 4,
  })
})

test(`the newest ${QUARANTINED_HOURS_MAX} hours with items that were too old are kept`, async () => {
  const input = Array.from({ length: QUARANTINED_HOURS_MAX + 2 }, (_, hour) =>
    fleetRecord(hour, NOW + hour * HOUR_MS, { batch: batch([at(-AGE_MS_MAX - 1)], { first_seq: hour + 1 }) }),
  )
  const node = (await ran(input)).nodes().get('p/l/n')
  assert.equal(node?.quarantined.length, QUARANTINED_HOURS_MAX)
  assert.deepEqual(outcomesOf(node), { quarantined: QUARANTINED_HOURS_MAX + 2 })
})

test('what cannot be read or is out of its bounds is set aside, byte for byte, and changes nothing else', async () => {
  const good = fleetRecord(0, NOW, { batch: batch([at(0)]) })
  const wrong: readonly (readonly [LogRecord, string])[] = [
    [{ ...good, value: Buffer.from('not ours') }, 'unknown_schema'],
    [{ ...good, value: null }, 'unknown_schema'],
    [{ ...good, value: good.value?.subarray(0, -3) ?? null }, 'malformed'],
    [{ ...good, value: tickCodec.encode({ written_by: 'x' }) }, 'malformed'],
    [{ ...good, key: Buffer.from('q') }, 'wrong_partition'],
    [fleetRecord(0, NOW, { batch: batch([]) }), 'out_of_range'],
    [fleetRecord(0, NOW, { batch: batch([item({})]) }), 'out_of_range'],
    [fleetRecord(0, NOW, { batch: batch([item({ refused: 'no such word' })]) }), 'out_of_range'],
    [fleetRecord(0, NOW, { batch: batch([at(0)], { low: { epoch: 1, seq: 2 } }) }), 'out_of_range'],
    [fleetRecord(0, NOW, { batch: batch([at(0)], { interval_s: 9 }) }), 'out_of_range'],
    [fleetRecord(0, NOW, { batch: batch([item({ sample: sample(NOW, { power_w: -1 }) })]) }), 'out_of_range'],
    [
      fleetRecord(0, NOW, { batch: batch([item({ sample: sample(NOW, { hw_errors: -1 }) })]) }),
      'out_of_range',
    ],
    [
      fleetRecord(0, NOW, { batch: batch([item({ sample: sample(NOW, { power_w: Number.NaN }) })]) }),
      'out_of_range',
    ],
    [fleetRecord(0, NOW, { heartbeat: nodeHeartbeat({ software_version: '' }) }), 'out_of_range'],
  ]
  const log = await ran(wrong.map(([record], offset) => ({ ...record, offset: BigInt(offset) })))
  const letters = log.rows('dead_letters')
  assert.deepEqual(
    letters.map(({ reasons }) => reasons),
    wrong.map(([, reason]) => [reason]),
  )
  assert.deepEqual([log.rows('fleet_samples').length, log.nodes().size], [0, 0])
  // verify reads the same records with code of its own.
  const judged = { partition: 0, partitions: 1, since: [{ rules: 3, offset: 0 }] }
  for (const [record, reason] of wrong)
    assert.deepEqual(readRecord({ ...record, partition: 0 }, judged), { kind: 'letter', reason })
})

/** Batches and heartbeats of two nodes, with copies, gaps and times on both sides of the rules. */
const anyRecord = fc.record({
  node: fc.constantFrom('n', 'm'),
  epoch: fc.integer({ min: 1, max: 3 }),
  seq: fc.integer({ min: 1, max: 40 }),
  closes: fc.boolean(),
  kinds: fc.array(
    fc.constantFrom('now', 'late', 'old', 'ahead', 'poll', 'report', 'refused', 'broken' as const),
    { maxLength: 4 },
  ),
})

const ITEMS: Readonly<Record<string, FleetItem>> = {
  now: at(0),
  late: at(-AGE_MS_MAX + HOUR_MS),
  old: at(-AGE_MS_MAX - HOUR_MS),
  ahead: at(3 * HOUR_MS),
  poll: item({ poll: poll(NOW) }),
  report: item({ report: report(NOW) }),
  refused: item({ refused: 'missing' }),
  broken: item({}),
}

const anyInbox = fc.array(anyRecord, { maxLength: 30 }).map((drafts) =>
  drafts.map(({ node: node_id, epoch, seq, closes, kinds }, offset) => {
    const timestampMs = NOW + 1_000 * (offset % 7)
    if (kinds.length === 0)
      return fleetRecord(offset, timestampMs, { heartbeat: nodeHeartbeat({ node_id, epoch }) })
    const low = closes ? { epoch, seq } : { epoch: 1, seq: 1 }
    const items = kinds.flatMap((kind) => ITEMS[kind] ?? [])
    return fleetRecord(offset, timestampMs, { batch: batch(items, { node_id, epoch, first_seq: seq, low }) })
  }),
)

const cuts = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 40 })
const ends = fc.array(fc.constantFrom<TransactionEnd>('commit', 'commit', 'lost', 'unknown'), {
  maxLength: 40,
})

const plain = (nodes: ReadonlyMap<string, FleetNode>): unknown => JSON.parse(JSON.stringify([...nodes]))

/** Rows of several days are in several blocks. */
const byPlace = (left: Row, right: Row): number =>
  Number(left['record_offset']) - Number(right['record_offset']) ||
  Number(left['record_index'] ?? 0) - Number(right['record_index'] ?? 0)

/** What must not depend on how the input was cut, and where the task was thrown away. */
function resultOf(log: FleetLog): {
  readonly rows: unknown
  readonly nodes: unknown
  readonly task: unknown
} {
  const task = log.task()
  return {
    rows: ['fleet_samples', 'dead_letters'].map((table) => log.rows(table).toSorted(byPlace)),
    nodes: Object.fromEntries(log.nodes()),
    task: task && { ...task, next_seq: 0, loaded_seq: 0, oldest_unloaded_at: 0 },
  }
}

test('any batch borders, and a task thrown away anywhere, give the same rows and nodes', async () => {
  await fc.assert(
    fc.asyncProperty(anyInbox, cuts, ends, async (input, cuts, ends) => {
      const smooth = await ran(input)
      const shaken = new FleetLog(input)
      await shaken.run(cuts, ends)
      assert.deepEqual(resultOf(shaken), resultOf(smooth))
      const seqs = shaken.blocks().map(({ seq }) => seq)
      assert.deepEqual(
        seqs,
        seqs.map((_, index) => index + 1),
      )
    }),
    { numRuns: 80 },
  )
})

test('rows and nodes are those that verify makes of the same log, and outcomes add up to what was sent', async () => {
  await fc.assert(
    fc.asyncProperty(anyInbox, async (input) => {
      const log = await ran(input)
      const model = new FleetModel()
      model.rules = RULES
      const judged = { partition: 0, partitions: 1, since: [{ rules: RULES, offset: 0 }] }
      const places: string[] = []
      let sent = 0
      for (const record of input) {
        model.pass(record.timestampMs)
        const read = readRecord(record, judged)
        if (read.kind === 'heartbeat') model.heartbeat(read.heartbeat)
        if (read.kind !== 'batch') continue
        sent += read.batch.items.length
        for (const { place } of model.batch(read.batch, record.offset, record.timestampMs)) places.push(place)
      }
      const rows = log.rows('fleet_samples')
      const found = rows.map((row) => `${String(row['record_offset'])}/${String(row['record_index'])}`)
      assert.deepEqual(found.toSorted(), places.toSorted())
      const byKey = ([left]: [string, unknown], [right]: [string, unknown]): number => (left < right ? -1 : 1)
      assert.deepEqual(
        plain(new Map([...log.nodes()].toSorted(byKey))),
        plain(new Map([...model.nodes()].toSorted(byKey))),
      )
      const counted = [...log.nodes().values()].flatMap(({ outcomes }) => outcomes)
      assert.equal(
        counted.reduce((total, { items }) => total + items, 0),
        sent,
      )
    }),
    { numRuns: 80 },
  )
})

test('a record that cannot be decided again and again is set aside, and the others go on', async () => {
  const input = [0, 1].map((offset) =>
    fleetRecord(offset, NOW, { batch: batch([at(offset)], { first_seq: offset + 1 }) }),
  )
  const log = new FleetLog(input)
  await log.step(2, 'commit', [{ offset: 0n, index: null, detail: 'a number was beyond what can be kept' }])
  assert.deepEqual(
    log.rows('dead_letters').map(({ reasons }) => reasons),
    [['cannot_be_decided']],
  )
  assert.equal(log.rows('fleet_samples').length, 1)
})

test('ticks move the time on, and write nothing of a node', async () => {
  const log = await ran([inputRecord(0, NOW, tickCodec.encode({ written_by: 'gateway' }))])
  assert.deepEqual([log.task()?.now, log.nodes().size], [NOW, 0])
})

/** Ticks by the place of the record that they follow: how far on the way to the next one's time, and who wrote them. */
const anyTicks = fc.array(
  fc.record({
    after: fc.integer({ min: -1, max: 30 }),
    way: fc.double({ min: 0, max: 1, noNaN: true }),
    writtenBy: fc.constantFrom('gateway', 'gateway', 'fleet-1'),
  }),
  { maxLength: 20 },
)

const OFFSETS_APART = 100

/** A log begins at offset 0, also where no tick comes before the first record. */
const BEGIN = inputRecord(0, NOW, tickCodec.encode({ written_by: 'fleet-0' }))

/** The same records with ticks between them: the log's time never falls, so a tick's time lies between its neighbours'. */
function withTicks(
  input: readonly LogRecord[],
  ticks: readonly { readonly after: number; readonly way: number; readonly writtenBy: string }[],
): LogRecord[] {
  let nowMs = NOW
  return [-1, ...input.keys()].flatMap((place) => {
    const record = place < 0 ? [BEGIN] : input.slice(place, place + 1)
    nowMs = Math.max(nowMs, record[0]?.timestampMs ?? 0)
    const nextMs = Math.max(nowMs, input[place + 1]?.timestampMs ?? nowMs)
    const here = ticks.filter(({ after }) => after === place).toSorted((left, right) => left.way - right.way)
    const between = here.map(({ way, writtenBy }, index) =>
      inputRecord(
        (place + 1) * OFFSETS_APART + index + 1,
        Math.floor(nowMs + way * (nextMs - nowMs)),
        tickCodec.encode({ written_by: writtenBy }),
      ),
    )
    return record
      .map((one) => Object.assign({}, one, { offset: BigInt((place + 1) * OFFSETS_APART) }))
      .concat(between)
  })
}

test('ticks added or removed, by one gateway or several, change no row, node or outcome', async () => {
  await fc.assert(
    fc.asyncProperty(anyInbox, anyTicks, cuts, async (input, ticks, cuts) => {
      const without = await ran(withTicks(input, []))
      const ticked = new FleetLog(withTicks(input, ticks))
      await ticked.run(cuts)
      const { rows, nodes } = resultOf(without)
      assert.deepEqual(resultOf(ticked).rows, rows)
      assert.deepEqual(resultOf(ticked).nodes, nodes)
    }),
    { numRuns: 60 },
  )
})

test('a tick ends an open group, and that of a gateway is told', async () => {
  const told = new Map<string, number>()
  const metrics = {
    ...noMetrics,
    set: (name: string, _: object, value: number) => void told.set(name, value),
  }
  const tickBy = (offset: number, written_by: string): LogRecord =>
    inputRecord(offset, NOW + offset, tickCodec.encode({ written_by }))
  const log = new FleetLog(
    [
      fleetRecord(0, NOW, { batch: batch([at(0)]) }),
      fleetRecord(1, NOW, { batch: batch([at(1)], { first_seq: 2 }) }),
      tickBy(2, 'fleet-1'),
      tickBy(3, 'gateway'),
      tickBy(4, 'fleet-1'),
    ],
    metrics,
  )
  const open: boolean[] = []
  for (let step = 0; step < 5; step++) open.push((await log.step(1)).groupOpen)
  assert.deepEqual(open, [false, true, false, false, false], 'the first transaction is a group by itself')
  assert.equal(told.get('hivemeter_fleet_tick_timestamp_seconds'), (NOW + 3) / SECOND_MS)
})

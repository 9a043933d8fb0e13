import * as fc from 'fast-check'
import { tickCodec } from '../../../../schemas/avro.ts'
import type { FleetItem } from '../../../../schemas/fleet/records.ts'
import { MINUTE_MS, SECOND_MS } from '../../../../schemas/units.ts'
import type { LogRecord } from '../../../../pipelines/log/records.ts'
import { ENGINES } from '../../../../pipelines/fleet/status/engine.ts'
import type { Engine } from '../../../../pipelines/fleet/status/engine.ts'
import { QUICK } from '../live/drive.ts'
import { batch, item, nodeHeartbeat, poll, sample } from '../../records/fleet-items.ts'
import { fleetRecord } from '../../records/fleet-log.ts'
import { inputRecord } from '../../records/task-log.ts'
import type { Script, ScriptWorker } from './script-inventory.ts'
import type { Version } from './versions.ts'

const EDGE_MS = 5 * MINUTE_MS
const START_MS = Date.UTC(2026, 2, 3, 4)
const RATE_HS = 200_000_000_000_000

/** What one record is to be. */
const someDraft = fc.record({
  kind: fc.constantFrom('gateway', 'gateway', 'task', 'a', 'a', 'a', 'b', 'b', 'c', 'beat', 'beat' as const),
  stepS: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 1, max: 30 }) },
    { weight: 1, arbitrary: fc.integer({ min: 60, max: 420 }) },
  ),
  ageS: fc.constantFrom(0, 2, 2, 15, 40, 200, 1_500),
  state: fc.constantFrom('well', 'well', 'well', 'low', 'stands', 'asleep', 'board', 'timeout', 'unreadable'),
  isComplete: fc.boolean(),
})
type Draft = typeof someDraft extends fc.Arbitrary<infer One> ? One : never

/** A log of an hour or so, and all that the inventory says in it. */
export interface RandomLog {
  readonly input: readonly LogRecord[]
  readonly script: Script
  /** Offsets at which the inventory changes: their records must stay. */
  readonly changes: ReadonlySet<number>
}

/** Runs of the same state, so that rules have the time to hold. */
const someDrafts = fc
  .array(fc.tuple(fc.array(someDraft, { minLength: 4, maxLength: 25 }), fc.boolean()), {
    minLength: 5,
    maxLength: 10,
  })
  .map((runs) =>
    runs.flatMap(([drafts, isSteady]) =>
      isSteady ? drafts.map((draft) => ({ ...draft, state: drafts[0]?.state ?? draft.state })) : drafts,
    ),
  )

export const someLog: fc.Arbitrary<RandomLog> = someDrafts.map((drafts) => logOf(drafts, 1))

/**
 * The same with room for other records behind each one, and the inventory changes with records of its own, as it does by
 * commands: so a batch and a copy right behind it are judged by the same versions.
 */
export const someSparseLog: fc.Arbitrary<RandomLog> = someDrafts.map((drafts) => sparseLogOf(drafts, POLLED))

/** The same, and from the first record on the inventory says the same all the time, and each worker has one node. */
export const someSteadyLog: fc.Arbitrary<RandomLog> = someDrafts.map((drafts) => {
  const { input, script } = sparseLogOf(drafts, POLLED_ONCE)
  const fromMs = Math.ceil(((input[0]?.timestampMs ?? 0) + 1) / EDGE_MS) * EDGE_MS
  const workers = script.workers
    .filter(({ workerId }) => workerId !== 'w5')
    .map((worker) => steady(worker, fromMs))
  const steadyScript = { ...script, workers, thresholds: [], engines: [] }
  return { input, script: steadyScript, changes: changesOf(steadyScript) }
})

function sparseLogOf(drafts: readonly Draft[], polled: Polled): RandomLog {
  const { changes } = logOf(drafts, ROOM)
  const apart = drafts.map((draft, n) =>
    changes.has(n * ROOM) ? { ...draft, kind: 'task' as const } : draft,
  )
  return logOf(apart, ROOM, polled)
}

/** Offsets from one record to the next one. */
const ROOM = 4

function steady(worker: ScriptWorker, commissionedAtMs: number): ScriptWorker {
  const { serials, containers, windows = [] } = worker
  return {
    ...worker,
    bornOffset: 0,
    commissionedAtMs,
    retiredAtMs: Number.POSITIVE_INFINITY,
    freedAtMs: Number.POSITIVE_INFINITY,
    serials: serials.slice(0, 1).map(({ value }) => always(value)),
    nodes: [always(worker.workerId === 'w4' ? 'p/l/b' : 'p/l/a')],
    containers: containers.slice(0, 1).map(({ value }) => always(value)),
    windows: windows.map(({ window }) => ({ offset: 0, window })),
    conflicts: [],
  }
}

function logOf(drafts: readonly Draft[], apart: number, polled: Polled = POLLED): RandomLog {
  let nowMs = START_MS
  const timesMs = drafts.map(({ stepS }) => (nowMs += stepS * SECOND_MS))
  const script = scriptOf(timesMs, apart)
  const seqs = new Map<string, number>()
  const input = drafts.map((draft, n) =>
    recordOf(draft, { n, offset: n * apart, nowMs: timesMs[n] ?? 0, polled }, seqs),
  )
  return { input, script, changes: changesOf(script) }
}

/** Places in a log, and what begins at them, by the part of the log that has passed. */
class Parts {
  readonly timesMs: readonly number[]
  readonly apart: number

  constructor(timesMs: readonly number[], apart: number) {
    this.timesMs = timesMs
    this.apart = apart
  }

  /** The record there, and the next edge of 5 minutes after it. */
  at(part: number): { readonly offset: number; readonly fromMs: number; readonly atMs: number } {
    const n = Math.min(this.timesMs.length - 1, Math.floor(this.timesMs.length * part))
    const atMs = this.timesMs[n] ?? START_MS
    return { offset: n * this.apart, atMs, fromMs: Math.ceil((atMs + 1) / EDGE_MS) * EDGE_MS }
  }

  version<Value>(part: number, value: Value): Version<Value> {
    return { ...this.at(part), value }
  }

  born(part: number, retired: number | null = null) {
    const { offset, fromMs } = this.at(part)
    const retiredAtMs = retired === null ? Number.POSITIVE_INFINITY : this.at(retired).fromMs
    return {
      bornOffset: offset,
      commissionedAtMs: fromMs,
      retiredAtMs,
      freedAtMs: retiredAtMs + EDGE_MS,
      intervalS: 30,
    }
  }
}

/** What holds from the beginning. */
const always = <Value>(value: Value): Version<Value> => ({ offset: 0, fromMs: 0, value })

function scriptOf(timesMs: readonly number[], apart: number): Script {
  const parts = new Parts(timesMs, apart)
  return {
    providerId: 'p',
    locationId: 'l',
    workers: [...firstPage(parts), ...secondPage(parts)],
    thresholds: [parts.version(0.45, { ...QUICK, underPct: 95, stoppedPct: 30, notHashingS: 60 })],
    engines: [parts.version(0.7, { ...(ENGINES[0] as Engine), version: 2 })],
  }
}

/** A worker that moves, and is in a conflict; and one with a window, whose control board is swapped. */
function firstPage(parts: Parts): ScriptWorker[] {
  const conflict = parts.at(0.55)
  const endsAtMs = parts.at(0.5).fromMs + EDGE_MS
  const window = { kind: 'curtailment', target: 'off', startsAtMs: parts.at(0.3).fromMs, endsAtMs } as const
  return [
    {
      ...parts.born(0),
      workerId: 'w1',
      spreadS: 3,
      place: { page: 0, index: 0 },
      serials: [always('S1')],
      nodes: [always('p/l/a')],
      containers: [always('north'), parts.version(0.4, 'south')],
      conflicts: [
        { offset: conflict.offset, fromMs: conflict.atMs, value: true },
        parts.version(0.65, false),
      ],
    },
    {
      ...parts.born(0),
      workerId: 'w2',
      spreadS: 100,
      place: { page: 0, index: 255 },
      serials: [always('S2'), parts.version(0.5, 'S9')],
      nodes: [always('p/l/a')],
      containers: [always('north')],
      windows: [{ offset: parts.at(0.2).offset, window }],
    },
  ]
}

/** A worker that gets another node; one that ends, and another one that gets its place. */
function secondPage(parts: Parts): ScriptWorker[] {
  const { timesMs, apart } = parts
  const ended: ScriptWorker = {
    ...parts.born(0, 0.3),
    workerId: 'w4',
    spreadS: 0,
    place: { page: 1, index: 4 },
    serials: [always('S4')],
    nodes: [always('p/l/b')],
    containers: [always('south')],
  }
  const next = timesMs.findIndex((atMs) => atMs > ended.freedAtMs + MINUTE_MS)
  const commissionedAtMs = Math.ceil(((timesMs[next] ?? 0) + 1) / EDGE_MS) * EDGE_MS
  const successor: ScriptWorker = {
    ...ended,
    workerId: 'w5',
    bornOffset: next * apart,
    commissionedAtMs,
    retiredAtMs: Number.POSITIVE_INFINITY,
    freedAtMs: Number.POSITIVE_INFINITY,
    intervalS: 60,
    serials: [{ offset: next * apart, fromMs: commissionedAtMs, value: 'S4' }],
  }
  const moved: ScriptWorker = {
    ...parts.born(0.1),
    workerId: 'w3',
    spreadS: 239,
    place: { page: 1, index: 3 },
    serials: [always('S3')],
    nodes: [always('p/l/a'), parts.version(0.6, 'p/l/b')],
    containers: [always('')],
  }
  return next < 0 ? [moved, ended] : [moved, ended, successor]
}

function changesOf({ workers, thresholds, engines }: Script): ReadonlySet<number> {
  const ofWorkers = workers.flatMap(
    ({ bornOffset, serials, nodes, containers, windows = [], conflicts = [] }) => [
      bornOffset,
      ...[...serials, ...nodes, ...containers, ...windows, ...conflicts].map(({ offset }) => offset),
    ],
  )
  return new Set([
    ...ofWorkers,
    ...thresholds.map(({ offset }) => offset),
    ...engines.map(({ offset }) => offset),
  ])
}

/** Which machines each node polls. */
type Polled = Readonly<Record<'a' | 'b' | 'c', readonly string[]>>

const POLLED: Polled = { a: ['S1', 'S2', 'S3', 'S9', 'S7'], b: ['S3', 'S4'], c: ['S1', 'S4'] }
const POLLED_ONCE: Polled = { a: ['S1', 'S2', 'S3', 'S7'], b: ['S4'], c: ['S8'] }

function recordOf(
  draft: Draft,
  {
    n,
    offset,
    nowMs,
    polled,
  }: { readonly n: number; readonly offset: number; readonly nowMs: number; readonly polled: Polled },
  seqs: Map<string, number>,
): LogRecord {
  const { kind } = draft
  if (kind === 'gateway' || kind === 'task') {
    return inputRecord(offset, nowMs, tickCodec.encode({ written_by: kind === 'gateway' ? kind : 'fleet-1' }))
  }
  if (kind === 'beat') {
    return fleetRecord(offset, nowMs, { heartbeat: nodeHeartbeat({ node_id: n % 2 === 0 ? 'a' : 'b' }) })
  }
  const items = polled[kind].map((serial, machine) => itemOf(draft, serial, machine, nowMs))
  const first_seq = seqs.get(kind) ?? 1
  seqs.set(kind, first_seq + items.length)
  const complete = draft.isComplete ? [{ from: nowMs - 40 * MINUTE_MS, to: nowMs - SECOND_MS }] : []
  const location_id = kind === 'c' ? 'elsewhere' : 'l'
  return fleetRecord(offset, nowMs, {
    batch: batch(items, { node_id: kind, location_id, first_seq, complete }),
  })
}

function itemOf(draft: Draft, serial: string, machine: number, nowMs: number): FleetItem {
  const { ageS, state } = draft
  const tMs = nowMs - ageS * SECOND_MS - machine * 137
  if (state === 'timeout' || state === 'unreadable') return item({ poll: { ...poll(tMs, state), serial } })
  const now = Math.round(RATE_HS * (state === 'low' ? 0.8 : state === 'well' || state === 'board' ? 1 : 0))
  return item({
    sample: sample(tMs, {
      serial,
      hashrate_hs: { ...sample(0).hashrate_hs, now: state === 'asleep' ? null : now },
      power_w: state === 'low' ? null : state === 'well' ? 3_390.5 : 210,
      power_source: 'miner',
      temp_c: { ...sample(0).temp_c, chip_max: 60 + machine * 3.3, inlet: -4.5 },
      uptime_s: Math.floor((tMs - START_MS) / SECOND_MS) + 86_400,
      shares: {
        ...sample(0).shares,
        accepted: 10_000 + Math.floor((tMs - START_MS) / SECOND_MS),
        rejected: 3,
      },
      mode: state === 'asleep' ? 'sleep' : 'normal',
      is_mining: state !== 'asleep',
      boards_online: state === 'board' ? 2 : 3,
      boards_expected: 3,
    }),
  })
}

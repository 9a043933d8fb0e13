import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { item, poll, sample } from '../../../test/support/records/fleet-items.ts'
import { ScriptIdentity, ScriptInventory } from '../../../test/support/fleet/pages/script-inventory.ts'
import type { Script, ScriptWorker } from '../../../test/support/fleet/pages/script-inventory.ts'
import type { CellDelta, MinuteSums } from '../slots/contributions.ts'
import type { Decision } from '../status/decisions.ts'
import { PageContexts } from './contexts.ts'
import { Listening } from './listening.ts'
import { FleetPage } from './page.ts'
import type { PageOutcome } from './outcome.ts'
import type { PageSink } from './sink.ts'

const START_MS = Date.UTC(2026, 4, 6, 12)
const FOREVER = Number.POSITIVE_INFINITY
const RATE_HS = 200_000_000_000_000

const WORKER: ScriptWorker = {
  workerId: 'w1',
  place: { page: 0, index: 9 },
  bornOffset: 1,
  commissionedAtMs: START_MS + 5 * MINUTE_MS,
  retiredAtMs: FOREVER,
  freedAtMs: FOREVER,
  intervalS: 30,
  spreadS: 0,
  serials: [],
  nodes: [{ offset: 1, fromMs: 0, value: 'p/l/a' }],
  containers: [{ offset: 1, fromMs: 0, value: 'north' }],
}

/** A page that is driven by hand, and all that it told. */
class Driven implements PageSink {
  readonly cells: (CellDelta & { readonly workerId: string; readonly containerId: string })[] = []
  readonly minutes: MinuteSums[] = []
  readonly told: string[] = []
  page: FleetPage
  readonly #parts: ConstructorParameters<typeof FleetPage>[0]
  #offset = 0

  constructor(workers: readonly ScriptWorker[]) {
    const script: Script = { providerId: 'p', locationId: 'l', workers, thresholds: [], engines: [] }
    const inventory = new ScriptInventory(script)
    const listening = new Listening(new Map(), () => true)
    this.#parts = {
      providerId: 'p',
      number: 0,
      inventory,
      contexts: new PageContexts(inventory, listening, 0),
      listening,
      leaseFields: new ScriptIdentity(inventory).fields,
    }
    this.page = new FleetPage(this.#parts, { nowMs: START_MS })
  }

  cell(at: { readonly workerId: string }, group: { readonly containerId: string }, delta: CellDelta): void {
    this.cells.push({ ...delta, workerId: at.workerId, containerId: group.containerId })
  }

  minute(_: string, _group: unknown, sums: MinuteSums): void {
    this.minutes.push(sums)
  }

  decision({ workerId }: { readonly workerId: string }, decision: Decision): void {
    if (decision.type !== 'status') return
    const atS = (decision.atMs - START_MS) / SECOND_MS
    this.told.push(`${workerId} ${atS} ${decision.status}/${decision.reason}`)
  }

  retired({ workerId }: { readonly workerId: string }): void {
    this.told.push(`${workerId} retired`)
  }

  readBack(bytes: Buffer): FleetPage {
    return new FleetPage(this.#parts, { bytes })
  }

  /** Goes on with a page that was read back from its own bytes. */
  renew(): void {
    this.page = this.readBack(this.page.encode())
  }

  until(atS: number): void {
    this.page.advance(START_MS + atS * SECOND_MS, this.#offset + 1, this)
  }

  takeUp(atS: number, index = WORKER.place.index): void {
    this.until(atS)
    this.#offset++
    this.page.takeUp(index, this.#place(atS), this)
  }

  send(atS: number, what: { readonly rateHs: number } | 'timeout', label: 'holder' | 'shadow' = 'holder') {
    this.until(atS)
    const tMs = START_MS + atS * SECOND_MS
    const sent =
      what === 'timeout'
        ? item({ poll: poll(tMs, what) })
        : item({ sample: sample(tMs, { hashrate_hs: { ...sample(0).hashrate_hs, now: what.rateHs } }) })
    const origin = { nodeId: 'a', epoch: 1, seq: ++this.#offset }
    const place = this.#place(atS)
    return this.page.apply(
      { index: WORKER.place.index, item: sent, label, intervalS: 30, origin, place },
      this,
    )
  }

  /** What a worker's cells add up to. */
  seconds(workerId: string): { readonly hashing: number; readonly commissioned: number } {
    const own = this.cells.filter((cell) => cell.workerId === workerId)
    return {
      hashing: own.reduce((sum, { seconds }) => sum + seconds.hashing, 0),
      commissioned: own.reduce((sum, { commissionedS }) => sum + commissionedS, 0),
    }
  }

  #place(atS: number) {
    return { nowMs: START_MS + atS * SECOND_MS, offset: BigInt(this.#offset), index: 0 }
  }
}

const OUTCOME = (outcome: PageOutcome | null): string => outcome?.outcome ?? 'none'

test('a worker is in no count before its commissioning, and in both planes after it', () => {
  const driven = new Driven([WORKER])
  driven.takeUp(10)
  assert.equal(driven.page.standing(9), null)
  driven.send(280, { rateHs: RATE_HS })
  assert.deepEqual(driven.told, [])
  for (let atS = 310; atS <= 1_200; atS += 30) {
    assert.equal(OUTCOME(driven.send(atS, { rateHs: RATE_HS })), 'current')
  }
  driven.until(2_000)
  assert.equal(driven.told[0], 'w1 300 stopped/never_seen')
  assert.deepEqual(driven.seconds('w1'), { hashing: 930, commissioned: 1_500 })
  assert.deepEqual(driven.cells[0]?.containerId, 'north')
  const inMinutes = driven.minutes.reduce((sum, { seconds }) => sum + seconds.hashing, 0)
  assert.ok(inMinutes >= 930)
})

test('a shadow is in the account plane alone, and the outcome of an item is what its slot says', () => {
  const driven = new Driven([WORKER])
  driven.takeUp(10)
  driven.until(400)
  const [before] = driven.told
  assert.equal(OUTCOME(driven.send(410, { rateHs: RATE_HS }, 'shadow')), 'shadow')
  assert.deepEqual(driven.told, [before])
  assert.equal(OUTCOME(driven.send(440, { rateHs: RATE_HS })), 'current')
  assert.equal(OUTCOME(driven.send(440, { rateHs: RATE_HS })), 'repeat')
  assert.equal(OUTCOME(driven.send(470, 'timeout')), 'current')
})

test('a place is its worker’s until it is freed, and then another’s, who begins anew', () => {
  const retired = { ...WORKER, retiredAtMs: START_MS + 900_000, freedAtMs: START_MS + 82 * HOUR_MS }
  const later = 83 * 3_600
  const driven = new Driven([
    retired,
    { ...WORKER, workerId: 'w2', bornOffset: 30, commissionedAtMs: START_MS + (later + 300) * SECOND_MS },
  ])
  driven.takeUp(10)
  for (let atS = 320; atS <= 980; atS += 30) driven.send(atS, { rateHs: RATE_HS })
  assert.equal(driven.page.standing(9), null)
  assert.equal(driven.told.at(-1), 'w1 retired')
  assert.equal(driven.page.isEmpty, false)
  driven.until(82 * 3_600 + 1)
  assert.equal(driven.page.isEmpty, true)
  assert.equal(driven.page.dueMs, FOREVER)
  assert.deepEqual(driven.seconds('w1'), { hashing: 600, commissioned: 600 })
  while (driven.page.isEmpty) driven.takeUp(later)
  driven.until(later + 400)
  assert.equal(driven.told.at(-1), `w2 ${later + 300} stopped/never_seen`)
  assert.equal(driven.page.standing(9)?.version, 1)
})

test('a page that is read back from its bytes goes on as it would have', () => {
  const [kept, renewed] = [new Driven([WORKER]), new Driven([WORKER])]
  for (const driven of [kept, renewed]) driven.takeUp(10)
  for (let atS = 310; atS <= 1_500; atS += 30) {
    const what = atS % 400 < 90 ? 'timeout' : { rateHs: atS < 900 ? RATE_HS : 0 }
    for (const driven of [kept, renewed]) driven.send(atS, what)
    renewed.renew()
  }
  for (const driven of [kept, renewed]) driven.until(3_000)
  assert.deepEqual(renewed.told, kept.told)
  assert.deepEqual(renewed.cells, kept.cells)
  assert.deepEqual(renewed.minutes, kept.minutes)
  assert.deepEqual(renewed.page.standing(9), kept.page.standing(9))
})

test('bytes that are cut off, longer, or of another format are no page', () => {
  const driven = new Driven([WORKER])
  driven.takeUp(10)
  const bytes = driven.page.encode()
  for (const found of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.alloc(1)]), Buffer.alloc(3)]) {
    assert.throws(() => driven.readBack(found), /format/)
  }
  const other = Buffer.from(bytes)
  other.writeUInt32LE(9, 0)
  assert.throws(() => driven.readBack(other), /format 9/)
})

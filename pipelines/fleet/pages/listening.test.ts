import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FleetNode } from '../../../schemas/fleet/records.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { LISTENING_MS } from '../live/listening.ts'
import { newNode } from '../node.ts'
import { GATEWAYS, Listening } from './listening.ts'

const START_MS = Date.UTC(2026, 1, 2, 3)
const FOREVER = Number.POSITIVE_INFINITY
const KEY = 'p/l/a'

/** A node that polls each 30 s, and gateways; `heard` and `tick` are records that follow each other. */
class Watch {
  readonly nodes = new Map<string, FleetNode>()
  readonly listening = new Listening(this.nodes, () => true)
  offset = 0

  constructor() {
    const name = { provider_id: 'p', location_id: 'l', node_id: 'a' }
    this.nodes.set(KEY, { ...newNode(name, START_MS), interval_s: 30 })
  }

  tick(atS: number): void {
    this.#pass(atS)
    this.listening.contact(GATEWAYS, START_MS + atS * SECOND_MS, this.offset)
  }

  ticks(fromS: number, toS: number): void {
    for (let atS = fromS; atS <= toS; atS += 30) this.tick(atS)
  }

  heard(atS: number): void {
    this.#pass(atS)
    this.listening.contact(KEY, START_MS + atS * SECOND_MS, this.offset)
    const node = this.nodes.get(KEY)
    if (node !== undefined) node.last_heartbeat_at = START_MS + atS * SECOND_MS
  }

  /** Seconds since the beginning. */
  get now(): { readonly silentAtS: number; readonly returnedAtS: number; readonly deafS: number[][] } {
    const { silentAtMs, returnedAtMs, deaf } = this.listening.hearing(KEY, this.offset)
    const secondOf = (atMs: number): number => (atMs - START_MS) / SECOND_MS
    return {
      silentAtS: silentAtMs === FOREVER ? FOREVER : secondOf(silentAtMs),
      returnedAtS: returnedAtMs === 0 ? 0 : secondOf(returnedAtMs),
      deafS: deaf.map(({ fromMs, toMs }) => [secondOf(fromMs), secondOf(toMs)]),
    }
  }

  #pass(atS: number): void {
    this.offset++
    this.listening.pass(START_MS + atS * SECOND_MS, this.offset)
  }
}

test('a node is silent five minutes after it was heard last, as of that very time', () => {
  const watch = new Watch()
  watch.tick(0)
  watch.heard(0)
  watch.ticks(30, 299)
  assert.equal(watch.now.silentAtS, FOREVER)
  watch.tick(310)
  assert.deepEqual(watch.now, { silentAtS: 300, returnedAtS: 0, deafS: [[90, FOREVER]] })
  watch.heard(400)
  assert.deepEqual(watch.now, { silentAtS: FOREVER, returnedAtS: 400, deafS: [[90, 400]] })
})

test('time in which gateways were not heard is in no silence', () => {
  const watch = new Watch()
  watch.tick(0)
  watch.heard(0)
  const blindS = 20 * 60
  watch.tick(blindS)
  assert.deepEqual(watch.now.deafS, [[LISTENING_MS / SECOND_MS, FOREVER]])
  assert.equal(watch.now.silentAtS, FOREVER)
  // 90 s of the five minutes had passed: 210 s are left.
  watch.ticks(blindS + 30, blindS + 209)
  assert.equal(watch.now.silentAtS, FOREVER)
  watch.tick(blindS + 211)
  assert.equal(watch.now.silentAtS, blindS + 210)
})

test('what is written is what a later state starts from', () => {
  const watch = new Watch()
  watch.tick(0)
  watch.heard(0)
  watch.ticks(30, 400)
  const written = new Map(watch.listening.takeChanged(0, 0))
  assert.deepEqual([...written.keys()].toSorted(), [GATEWAYS, KEY])
  assert.deepEqual(watch.listening.takeChanged(0, 0), [])
  const again = new Listening(watch.nodes, () => true)
  for (const [source, hearing] of written) again.restore(source, hearing)
  for (let offset = 0; offset <= watch.offset; offset++) {
    assert.deepEqual(again.hearing(KEY, offset), watch.listening.hearing(KEY, offset))
    assert.deepEqual(again.changedBy(offset), watch.listening.changedBy(offset))
  }
  again.pass(START_MS + 10 * MINUTE_MS, watch.offset + 1)
  assert.ok(again.hearing(KEY, watch.offset + 1).deaf.length > 0)
})

test('nodes of providers without workers are not listened to, and nothing is written', () => {
  const nodes = new Map<string, FleetNode>()
  const listening = new Listening(nodes, () => false)
  nodes.set(KEY, newNode({ provider_id: 'p', location_id: 'l', node_id: 'a' }, START_MS))
  listening.contact(KEY, START_MS, 1)
  listening.pass(START_MS + 30 * MINUTE_MS, 2)
  listening.contact(KEY, START_MS + 30 * MINUTE_MS, 2)
  listening.forgetGateways(START_MS + 30 * MINUTE_MS, 3)
  assert.deepEqual(listening.takeChanged(0, 0), [])
})

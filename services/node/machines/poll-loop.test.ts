import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../pipelines/logger.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { VirtualClock } from '../../../test/support/memory/virtual-clock.ts'
import { machineOf } from '../config/agent-config.ts'
import { MachinePolls } from './machine-polls.ts'
import type { Polled } from './machine-polls.ts'
import { PollLoop, POLLS_AT_ONCE_MAX } from './poll-loop.ts'
import { Roster } from './roster.ts'

const INTERVAL_S = 60

/** A machine whose polls take as long as they are told. */
class SlowMachine extends MachinePolls {
  readonly #clock: VirtualClock
  readonly #takesMs: number
  running = 0
  ended = 0

  constructor(clock: VirtualClock, address: string, takesMs: number) {
    super({
      machine: machineOf({ address, adapter: 'avalon' }, undefined),
      intervalS: INTERVAL_S,
      roster: new Roster([], null),
      macOf: () => null,
      presentMs: () => null,
      clock,
      random: systemRandom,
    })
    this.#clock = clock
    this.#takesMs = takesMs
  }

  override async poll(): Promise<Polled> {
    this.running += 1
    assert.equal(this.running, 1, 'a machine is asked once at a time')
    await this.#clock.delay(this.#takesMs)
    this.running -= 1
    this.ended += 1
    return { result: 'ok', made: [], asked: [] }
  }
}

async function run(count: number, takesMs: number, forMs: number, pollsAtOnceMax?: number) {
  const clock = new VirtualClock()
  const machines = Array.from({ length: count }, (_, at) => new SlowMachine(clock, `10.20.0.${at}`, takesMs))
  const stop = new AbortController()
  const polledAtMs: number[] = []
  let mostRunning = 0
  const loop = new PollLoop({
    machines,
    intervalS: INTERVAL_S,
    ...(pollsAtOnceMax === undefined ? {} : { pollsAtOnceMax }),
    bootMs: () => clock.monotonicMs(),
    clock,
    logger: silentLogger,
    polled: async (_polls, _polled, atBootMs) => {
      mostRunning = Math.max(mostRunning, 1 + machines.filter(({ running }) => running > 0).length)
      polledAtMs.push(atBootMs)
    },
  })
  const startMs = clock.monotonicMs()
  const ended = loop.run(stop.signal)
  await clock.delay(forMs)
  assert.equal(
    loop.runningSinceBootMs() === null,
    machines.every(({ running }) => running === 0),
  )
  stop.abort()
  await ended
  assert.equal(loop.runningSinceBootMs(), null)
  return { machines, mostRunning, times: polledAtMs.map((at) => at - startMs) }
}

test('each machine is polled once in a round, at its own place in it, without drift', async () => {
  const { times } = await run(3, 700, 200_000)
  assert.deepEqual(times, [0, 20_000, 40_000, 60_000, 80_000, 100_000, 120_000, 140_000, 160_000, 180_000])
})

test('one that takes longer than the interval keeps its round, and no more are asked at once than the bound says', async () => {
  assert.equal(POLLS_AT_ONCE_MAX, 500)
  const slow = await run(1, 100_000, 400_000)
  assert.ok(slow.machines[0]?.ended === 3 || slow.machines[0]?.ended === 4)
  const many = await run(12, 30_000, 300_000, 3)
  assert.equal(many.mostRunning, 3)
  assert.ok(many.machines.every(({ ended }) => ended > 0))
})

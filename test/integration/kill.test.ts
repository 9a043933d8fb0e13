import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { seededDice } from '../../infra/local/sample/random.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { install } from '../support/installation.ts'
import type { Installation } from '../support/installation.ts'
import { KilledService } from '../support/killed-service.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/produce.ts'
import { Truth } from '../support/truth.ts'
import { verified } from '../support/verified.ts'

const SEED = 20_260_801
const EVENTS = 200_000
const REPEAT_SHARE = 0.02
const EVENTS_PER_SEND = 500

/** The events come over this long, while the services die; then they are left to finish. */
const FEED_MS = 30_000
const NODES_PER_PARTITION = 12
const BETWEEN_SHARE_MIN = 0.3
const KILLS_MIN = 6

describe('end to end under kill -9', () => {
  let installation: Installation
  const cleanup = new AsyncDisposableStack()
  before(async () => {
    installation = await install({ name: 'kill', partitions: 4 })
    cleanup.defer(() => installation.dispose())
  })
  after(() => cleanup.disposeAsync())

  it('counts and pays 200,000 events once each', async (t) => {
    const services = await Promise.all(
      (['aggregator', 'settler', 'loader'] as const).map((name, index) =>
        KilledService.prepare(installation, name, seededDice(SEED + index)),
      ),
    )
    const over = new AbortController()
    const dying = Promise.all(services.map((service) => service.run(over.signal)))
    const truth = new Truth()
    await Promise.race([feed(installation, truth), dying])
    over.abort()
    await dying

    const kills = services.map(({ name, kills }) => ({ name, ...kills }))
    const ofTasks = kills.filter(({ name }) => name !== 'loader')
    const all = ofTasks.reduce((sum, kill) => sum + kill.all, 0)
    const between = ofTasks.reduce((sum, kill) => sum + kill.betweenBeginAndCommit, 0)
    const unanswered = ofTasks.reduce((sum, kill) => sum + kill.atCommitAnswer, 0)
    const shares = kills.map(({ name, all }) => `${name} ${all}`).join(', ')
    t.diagnostic(
      `kill -9: ${shares}; of ${all} kills of tasks ${between} fell between begin and commit ` +
        `(${Math.round((between / all) * 100)} %: the broker held an open transaction), ${unanswered} at the answer to a commit`,
    )

    await truth.matches(installation)
    await truth.isPaid(installation)
    t.diagnostic(`${truth.totals.events} events, ${truth.repeats} repeats: ${await verified(installation)}`)
    for (const service of services) await service.stop()
    assert(all >= KILLS_MIN, `${all} kills of tasks are too few to prove anything`)
    assert(between / all >= BETWEEN_SHARE_MIN, `${between} of ${all} kills fell between begin and commit`)
  })
})

/** Sends all events, evenly over the time, with repeats of what was sent just before and of what was long ago. */
async function feed(installation: Installation, truth: Truth): Promise<void> {
  const { partitions } = installation
  const dice = seededDice(SEED)
  const maker = new UsageMaker(SEED, systemRandom.bytes(8))
  const nodes = Array.from({ length: partitions }, (_, p) =>
    nodesOf(p, partitions, NODES_PER_PARTITION),
  ).flat()
  const sent: UsageEvent[] = []
  await using producer = Object.assign(openUsageProducer(installation), {
    async [Symbol.asyncDispose]() {
      await producer.stop()
    },
  })
  const startMs = systemClock.monotonicMs()
  for (let made = 0; made < EVENTS; made += EVENTS_PER_SEND) {
    const events = Array.from({ length: EVENTS_PER_SEND }, () => {
      if (sent.length > 0 && dice.next() < REPEAT_SHARE) {
        return dice.next() < 0.5
          ? (sent.at(-dice.between(1, Math.min(100, sent.length))) as UsageEvent)
          : dice.pick(sent)
      }
      const event = maker.event(dice.pick(nodes))
      sent.push(event)
      return event
    })
    await sendEvents(installation, producer, truth, events)
    const dueMs = startMs + (FEED_MS * (made + EVENTS_PER_SEND)) / EVENTS
    await systemClock.delay(Math.max(0, dueMs - systemClock.monotonicMs()))
  }
}

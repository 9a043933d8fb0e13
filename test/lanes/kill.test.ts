import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { seededDice } from '../../infra/local/sample/random.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { KilledService } from '../support/processes/killed-service.ts'
import type { Kills } from '../support/processes/killed-service.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/records/produce.ts'
import { Truth } from '../support/oracles/truth.ts'
import { verified } from '../support/oracles/verified.ts'

const SEED = 20_260_801
const EVENTS = 200_000
const REPEAT_SHARE = 0.02
const EVENTS_PER_SEND = 500

/** The events are sent over this time, while the services die. */
const FEED_MS = 30_000

/** Where the machine is slow, more events come at the same pace until there were enough kills, for this long at most. */
const MORE_MS_MAX = 60_000
const NODES_PER_PARTITION = 12
const KILLS_OF_TASKS_MIN = 6
const BETWEEN_BEGIN_AND_COMMIT_MIN = 2

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
    // A service that does not come back ends the feed, too: otherwise the test would wait for it for ever.
    dying.catch(() => over.abort())
    await feed(installation, truth, over.signal, () => isEnough(killsOfTasks(services)))
    over.abort()
    await dying

    const ofTasks = killsOfTasks(services)
    const shares = services.map(({ name, kills }) => `${name} ${kills.all}`).join(', ')
    t.diagnostic(
      `kill -9: ${shares}; of ${ofTasks.all} kills of tasks ${ofTasks.betweenBeginAndCommit} fell between begin and commit ` +
        `(the broker held an open transaction), ${ofTasks.atCommitAnswer} at the answer to a commit`,
    )

    await truth.matches(installation)
    await truth.isPaid(installation)
    t.diagnostic(`${truth.totals.events} events, ${truth.repeats} repeats: ${await verified(installation)}`)
    for (const service of services) await service.stop()
    assert(isEnough(ofTasks), 'too few kills of tasks to prove anything')
  })
})

function killsOfTasks(services: readonly KilledService[]): Kills {
  const sum = { all: 0, betweenBeginAndCommit: 0, atCommitAnswer: 0 }
  for (const { name, kills } of services) {
    if (name === 'loader') continue
    sum.all += kills.all
    sum.betweenBeginAndCommit += kills.betweenBeginAndCommit
    sum.atCommitAnswer += kills.atCommitAnswer
  }
  return sum
}

const isEnough = ({ all, betweenBeginAndCommit }: Kills): boolean =>
  all >= KILLS_OF_TASKS_MIN && betweenBeginAndCommit >= BETWEEN_BEGIN_AND_COMMIT_MIN

/**
 * Sends all events, evenly over the time, with repeats of recent and of old ones; and more of them until there were
 * enough kills.
 */
async function feed(
  installation: Installation,
  truth: Truth,
  signal: AbortSignal,
  isDone: () => boolean,
): Promise<void> {
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
  const isOver = (): boolean => isDone() || systemClock.monotonicMs() - startMs > FEED_MS + MORE_MS_MAX
  for (let made = 0; !signal.aborted && (made < EVENTS || !isOver()); made += EVENTS_PER_SEND) {
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

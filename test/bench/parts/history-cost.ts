import { SERVICE_NODE_FLAGS } from '../../../infra/local/services.ts'
import { topicNames } from '../../../schemas/topics.ts'
import type { BenchLine } from '../harness/bench-line.ts'
import type { Turn } from '../harness/child-report.ts'
import { fillFleet } from '../loads/fill-fleet.ts'
import { FLEET_NODES } from '../loads/fleet.ts'
import { newTopics, topicEnds } from '../loads/topics.ts'
import { median, runTurn } from '../harness/turns.ts'
import { PARTITIONS } from '../harness/servers.ts'

const RATIO_MAX = 1.2
const ROOMY = 20_000_000

/**
 * What a long history costs an event of the aggregator, by a substitute: no bench sends 100 days of events to measure it.
 * From its history a task keeps only ids, the newest event time that left memory, and counters. So the first day is a
 * task that holds as many ids as events are measured, none of which ever left. The hundredth is a task whose memory is at
 * its bound with just as many: for each id that comes one leaves, records of usage.ids are deleted behind it, and each
 * event is compared with the time of what left. Not included: how fast ClickHouse looks up among 100 days of ids, and the
 * restore, which reads no more than what is held.
 */
export async function benchHistory(options: {
  readonly brokers: readonly string[]
  readonly events: number
  readonly turns: number
}): Promise<BenchLine> {
  const { events, turns } = options
  const first: Turn[] = []
  const hundredth: Turn[] = []
  for (let turn = 1; turn <= turns; turn++) {
    first.push(await measure(options.brokers, events, ROOMY))
    hundredth.push(await measure(options.brokers, events, events))
  }
  const perMillion = (of: readonly Turn[]): number =>
    (median(of.map(({ cpuSeconds }) => cpuSeconds)) / events) * 1e6
  const ratio = perMillion(hundredth) / perMillion(first)
  return {
    what: `aggregator: CPU an event, 100 days of history ÷ 1 day, as memory that is full ÷ one that is not (median of ${turns})`,
    value:
      `${ratio.toFixed(2)} x (${perMillion(first).toFixed(2)}, ${perMillion(hundredth).toFixed(2)} CPU-s per million; ` +
      `${hundredth.at(-1)?.detail['lookedUp']} ids looked up)`,
    target: `<= ${RATIO_MAX} x`,
    reached: ratio <= RATIO_MAX,
  }
}

/** Two processes one after the other: the first takes in as many events as the second is measured with. */
async function measure(brokers: readonly string[], events: number, idsMax: number): Promise<Turn> {
  const prefix = await newTopics(brokers, PARTITIONS)
  const topic = topicNames(prefix).usageMetered
  const fill = { brokers, topic, partitions: PARTITIONS, nodes: FLEET_NODES, count: events }
  const turn = async (): Promise<Turn> =>
    await runTurn(
      'task-turn.ts',
      {
        brokers,
        topic,
        prefix,
        partitions: PARTITIONS,
        idsMax,
        loaded: true,
        ends: await topicEnds(brokers, topic),
        events,
        spawnedAtMs: Date.now(),
      },
      SERVICE_NODE_FLAGS,
    )
  // Earlier than the measured events, as are the ids that left memory.
  await fillFleet({ ...fill, seed: 1, spansAgo: 1 })
  await turn()
  await fillFleet({ ...fill, seed: 2 })
  const measured = await turn()
  const { ids = 0, lookedUp = 0 } = measured.detail
  console.log(
    `room for ${idsMax} ids, ${ids} held: ${measured.cpuSeconds.toFixed(2)} CPU-s, ${lookedUp} looked up`,
  )
  return measured
}

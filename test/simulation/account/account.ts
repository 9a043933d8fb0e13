import { inboxConfigureCodec, settlerTaskCodec } from '../../../schemas/avro.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { InboxConfigure } from '../../../schemas/records.ts'
import { SettlerState } from '../../../pipelines/account/pipeline.ts'
import { commandId, heartbeat } from '../../support/records/inbox-requests.ts'
import { testRules, testRulesRecord } from '../../support/records/rules.ts'
import type { Actor, ActorTasks } from '../actor.ts'
import type { Gateway } from '../gateway.ts'
import { blocksOf, passedBy, positionOf } from '../logs.ts'
import { nodeIdOf } from '../nodes.ts'
import type { Entry } from '../schedule.ts'
import { PARTITION_NUMBERS, PARTITIONS, TOPICS } from '../services.ts'
import { gateOf, waitingMarks } from '../store-marks.ts'
import { StoreClient } from '../world/store-client.ts'
import type { World } from '../world/world.ts'
import { drawRequests } from './draw-requests.ts'
import { judgeAccounts } from './judge-accounts.ts'
import { commandRecord, heartbeatRecord } from './requests.ts'

/** Commands and heartbeats, and the tasks that settle costs. */
export const account: Actor = {
  join: ({ seed, settings, entries }) => drawRequests(seed, settings, entries),
  enter: (world) => {
    appendRules(world)
    const tasks = settlers(world)
    return {
      tasks: [tasks],
      play: (entry, gateways) => play(entry, world, gateways),
      judge: (partition) => [
        [
          `accounts of ${partition}`,
          () => {
            const inbox = passedBy(world, tasks, partition)
            const nodeState = world.cluster.log(TOPICS.nodeState, partition).committed()
            const settlementBlocks = blocksOf(world, TOPICS.settlementBlocks, partition)
            judgeAccounts({ inbox, nodeState, settlementBlocks }, world.undecided.isUndecidable)
          },
        ],
      ],
    }
  },
}

/** The account rules of the tests are the first record in every inbox. */
function appendRules({ cluster }: World): void {
  const topic = TOPICS.accountInbox
  const records = [{ key: null, value: testRulesRecord() }]
  const producer = cluster.openProducer()
  for (const partition of PARTITION_NUMBERS) {
    const batch = { topic, partition, producer, transactionalId: null, baseSequence: 0, records }
    void cluster.partition(topic, partition).produce(batch)
  }
}

/** Commands and heartbeats for an account go straight into its inbox. */
function play(entry: Entry, world: World, gateways: readonly Gateway[]): boolean {
  const { accountInbox } = TOPICS
  switch (entry.kind) {
    case 'command':
    case 'heartbeat': {
      const { partition, node, gateway } = entry
      const nodeId = nodeIdOf(partition, node)
      const value =
        entry.kind === 'command'
          ? commandRecord(nodeId, entry.command)
          : heartbeatRecord(nodeId, entry.heartbeat)
      gateways[gateway]?.send(accountInbox, partition, value)
      return true
    }
    case 'undecidable': {
      if (entry.of === 'event') return false
      const { of, partition, node, id } = entry
      const name = of === 'command' ? commandId(id) : heartbeat(id).heartbeat_hash.toString('hex')
      world.undecided.addName(`${nodeIdOf(partition, node)}/${name}`)
      return true
    }
    default:
      return false
  }
}

/** The second version of the rules pays at another rate, and to the micro-Spark. */
const rulesOf = (version: number): InboxConfigure =>
  version === 2 ? testRules({ version, spark_per_usd: 250, spark_mode: 'exact' }) : testRules({ version })

function settlers(world: World): ActorTasks {
  let ends: readonly bigint[] | undefined
  const tasks: ActorTasks = {
    service: 'settler',
    fieldsOf: (record) => {
      const { position, next_seq, now, watermark, handed_offset, rules } = settlerTaskCodec.decode(record)
      const rules_version = rules === null ? 0 : inboxConfigureCodec.decode(rules).version
      return [position, next_seq, now, watermark, handed_offset, rules_version]
    },
    // The records that were in its inbox at the first look: ticks of aggregators keep coming for ever.
    isDone: () => {
      const logOf = (partition: number) => world.cluster.log(TOPICS.accountInbox, partition)
      ends ??= PARTITION_NUMBERS.map((partition) => logOf(partition).end)
      return PARTITION_NUMBERS.every((partition) => {
        const end = ends?.[partition] ?? 0n
        if (logOf(partition).lastStable < end) return false
        const last = logOf(partition)
          .committed()
          .findLast(({ offset }) => offset < end)
        return last === undefined || positionOf(world, tasks, partition) > last.offset
      })
    },
    open: ({ process, rules }) => {
      const client = new StoreClient(process, world.store)
      const marks = waitingMarks(client.followLoaded(TOPICS.settlementBlocks, PARTITIONS), world.timeline)
      return (partition) =>
        new SettlerState({
          partition,
          topics: TOPICS,
          rules: rulesOf(rules),
          loadedSeq: (of) => marks.of(of)?.seq ?? 0,
          gate: gateOf(TOPICS.settlementBlocks, partition, marks),
          decidePoint: world.undecided.decidePoint,
          clock: process.clock,
          metrics: noMetrics,
        })
    },
  }
  return tasks
}

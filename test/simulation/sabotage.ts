import { inboxUsageCodec, SCHEMA_ID, schemaIdOf, STATE_KEY } from '../../schemas/avro.ts'
import type { LogRecord, TopicAppend } from '../../pipelines/log/records.ts'
import type { TaskState } from '../../pipelines/task/task.ts'
import { UndecidedError } from '../../pipelines/task/undecided.ts'
import type { Trouble } from './draw-schedule.ts'
import type { Tampering } from './tampering.ts'
import { TOPICS } from './services.ts'
import { placeOf } from './world/cluster.ts'
import {
  addingWithinSends,
  believingSilence,
  keepingIdentity,
  rememberingBrokers,
  renumberingRetries,
  retryingAll,
} from './world/careless-wire.ts'
import type { World } from './world/world.ts'

/** A guard that is taken away through the ports, so that a test can show that the simulation notices it. */
export interface Sabotage {
  /** The trouble in which the guard is needed; all kinds where it is not given. */
  readonly only?: readonly Trouble[]
  /** The first seed to try, where few of them show it. */
  readonly fromSeed?: number
  readonly tamper: (world: World) => Tampering | void
}

/** A settler that compares no ranges takes a repeated inbox record twice: each is made to follow the last. */
function believingAnyRange(state: TaskState): TaskState {
  let covered: number | undefined
  const relabelled = (record: LogRecord): LogRecord => {
    if (record.value === null || schemaIdOf(record.value) !== SCHEMA_ID.inboxUsage) return record
    const usage = inboxUsageCodec.decode(record.value)
    covered ??= usage.from_offset
    const ranged = { ...usage, from_offset: covered, from_index: 0, to_offset: covered + 1, to_index: 0 }
    covered++
    return { ...record, value: inboxUsageCodec.encode(ranged) }
  }
  return {
    restore: (record) => state.restore(record),
    restored: (inputStart) => state.restored(inputStart),
    decide: (batch) => state.decide({ ...batch, records: batch.records.map(relabelled) }),
    committed: (offsets) => state.committed(offsets),
    dispose: () => state.dispose(),
  }
}

/** Groups end where a fetch ends, instead of where the log says: a loader that loads them again makes other INSERTs. */
function groupedByFetch(records: readonly LogRecord[]): readonly LogRecord[] {
  return records.map((record, index) => {
    const { 'group-begins': _begins, 'group-ends': _ends, ...headers } = record.headers
    const isLast = index === records.length - 1
    return { ...record, headers: isLast ? { ...headers, 'group-ends': Buffer.from('1') } : headers }
  })
}

const copyOf = (record: TopicAppend): TopicAppend => ({
  ...record,
  value: record.value === null ? null : Buffer.from(record.value),
})

export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  'a store that knows no tokens': {
    only: ['insert', 'point'],
    tamper: (world) => {
      world.store.without.tokens = true
    },
  },
  'a look that always says "absent"': {
    tamper: (world) => {
      world.store.without.looks = true
    },
  },
  'a broker that does not fence': {
    only: ['freeze', 'point', 'fault'],
    tamper: (world) => {
      world.cluster.transactions.fences = false
    },
  },
  'a broker that shows what is not committed': {
    only: ['point', 'kill', 'fault'],
    tamper: (world) => {
      world.cluster.without.readCommitted = true
    },
  },
  'a broker that takes a repeated send twice': {
    only: ['fault'],
    tamper: (world) => {
      world.cluster.without.idempotence = true
    },
  },
  'look-ups that find nothing': {
    tamper: () => ({
      lookup: () => async () => new Map(),
    }),
  },
  'a hand-over that is lost': {
    tamper: () => ({
      writer: (service, writer) => ({
        close: () => writer.close(),
        commit: async (records) => {
          if (service !== 'aggregator' || records.length < 5) return await writer.commit(records)
          const kept = records.filter(({ topic }) => topic !== TOPICS.accountInbox)
          const offsets = await writer.commit(kept)
          return records.map((record) => offsets[kept.indexOf(record)] ?? 0n)
        },
      }),
    }),
  },
  'a hand-over that is repeated, and nobody who compares ranges': {
    tamper: () => ({
      writer: (service, writer) => ({
        close: () => writer.close(),
        commit: async (records) => {
          if (service !== 'aggregator') return await writer.commit(records)
          const twice = records.flatMap((record) =>
            record.topic === TOPICS.accountInbox ? [record, copyOf(record)] : [record],
          )
          const offsets = await writer.commit(twice)
          return records.map((record) => offsets[twice.indexOf(record)] ?? 0n)
        },
      }),
      state: (service, state) => (service === 'settler' ? believingAnyRange(state) : state),
    }),
  },
  'a fence that ends nothing outside the state topic': {
    only: ['fault', 'answer'],
    fromSeed: 80,
    tamper: () => ({
      writer: (_service, writer) => ({
        close: () => writer.close(),
        commit: async (records) => {
          const kept = records.filter(({ value }) => schemaIdOf(value) !== SCHEMA_ID.tick)
          const offsets = await writer.commit(kept)
          return records.map((record) => offsets[kept.indexOf(record)] ?? 0n)
        },
      }),
    }),
  },
  'a task that trusts its group’s offset': {
    tamper: (world) => ({
      state: (service, state, partition) => ({
        restore: (record) => state.restore(record),
        restored: (inputStart) => {
          const restored = state.restored(inputStart)
          const input = service === 'aggregator' ? TOPICS.usageMetered : TOPICS.accountInbox
          const position = world.cluster.groupOffset(service, placeOf(input, partition)) ?? inputStart
          return { ...restored, position }
        },
        decide: (batch) => state.decide(batch),
        committed: (offsets) => state.committed(offsets),
        dispose: () => state.dispose(),
      }),
    }),
  },
  'a loader that chooses its own borders': {
    tamper: () => ({ blocks: groupedByFetch }),
  },
  'a task that forgets its last transaction': {
    tamper: () => ({
      state: (_service, state) => {
        const held: LogRecord[] = []
        const isTask = ({ key }: LogRecord): boolean => key?.toString() === '!task'
        return {
          restore: (record) => {
            held.push(record)
          },
          restored: (inputStart) => {
            const tasks = held.filter(isTask)
            const until = tasks.length > 1 ? held.indexOf(tasks.at(-1) as LogRecord) : held.length
            for (const record of held.slice(0, until)) state.restore(record)
            return state.restored(inputStart)
          },
          decide: (batch) => state.decide(batch),
          committed: (offsets) => state.committed(offsets),
          dispose: () => state.dispose(),
        }
      },
    }),
  },
  'a settler that forgets outcomes when it restarts': {
    only: ['kill', 'stop', 'fault'],
    fromSeed: 20,
    tamper: () => ({
      state: (_service, state) => ({
        restore: (record) => {
          if (record.key?.toString().startsWith(STATE_KEY.commands) !== true) state.restore(record)
        },
        restored: (inputStart) => state.restored(inputStart),
        decide: (batch) => state.decide(batch),
        committed: (offsets) => state.committed(offsets),
        dispose: () => state.dispose(),
      }),
    }),
  },
  'an error of commit counted as one of decide': {
    only: ['undecided'],
    tamper: () => {
      const failed = new Map<string, unknown>()
      return {
        writer: (service, writer, partition) => ({
          close: () => writer.close(),
          commit: async (records) => {
            try {
              return await writer.commit(records)
            } catch (error) {
              if (records[0]?.key !== STATE_KEY.fence) failed.set(`${service} ${partition}`, error)
              throw error
            }
          },
        }),
        state: (service, state, partition) => ({
          restore: (record) => state.restore(record),
          restored: (inputStart) => state.restored(inputStart),
          decide: (batch) => {
            const task = `${service} ${partition}`
            const error = failed.get(task)
            const [first] = batch.records
            if (error === undefined || first === undefined) return state.decide(batch)
            failed.delete(task)
            throw new UndecidedError(first.offset, null, error)
          },
          committed: (offsets) => state.committed(offsets),
          dispose: () => state.dispose(),
        }),
      }
    },
  },
  'a task that is not told what to set aside': {
    only: ['undecided'],
    tamper: () => ({
      state: (_service, state) => ({
        restore: (record) => state.restore(record),
        restored: (inputStart) => state.restored(inputStart),
        decide: ({ records, nextOffset }) => state.decide({ records, nextOffset }),
        committed: (offsets) => state.committed(offsets),
        dispose: () => state.dispose(),
      }),
    }),
  },
  'events that are sent on after the commit': {
    only: ['misplaced', 'kill'],
    tamper: () => {
      let held: (() => Promise<boolean>)[] = []
      return {
        // Called for each task just before its state is wrapped: the values kept here end with the task.
        forward: (forward) => {
          const ofTask: (() => Promise<boolean>)[] = []
          held = ofTask
          let below = 0n
          return {
            get below() {
              return below
            },
            send: (records, to) => {
              ofTask.push(() => forward.send(records, to))
              below = to
              return Promise.resolve(true)
            },
          }
        },
        state: (_service, state) => {
          const ofTask = held
          held = []
          return {
            restore: (record) => state.restore(record),
            restored: (inputStart) => state.restored(inputStart),
            decide: async (batch) => {
              for (const send of ofTask.splice(0)) await send()
              return await state.decide(batch)
            },
            committed: (offsets) => state.committed(offsets),
            dispose: () => state.dispose(),
          }
        },
      }
    },
  },
  'answers remembered per broker': {
    only: ['move', 'broker', 'answer'],
    tamper: () => ({ wire: rememberingBrokers }),
  },
  'a retry under a new number': {
    only: ['fault', 'answer', 'broker'],
    tamper: () => ({ wire: renumberingRetries }),
  },
  'a partition that no answer names, taken for acknowledged': {
    only: ['answer'],
    tamper: () => ({ wire: believingSilence }),
  },
  'a retry that takes along what is under way at other brokers': {
    only: ['answer', 'move'],
    tamper: () => ({ wire: retryingAll }),
  },
  'partitions added to a transaction within the send, which "not now" starts anew': {
    only: ['move'],
    fromSeed: 9,
    tamper: () => ({ wire: addingWithinSends }),
  },
  'a producer id that is kept after an outcome that is not known': {
    only: ['fault', 'answer', 'broker'],
    tamper: () => ({ wire: keepingIdentity }),
  },
  'a task that goes on with an older table of models': {
    only: ['models', 'kill', 'stop'],
    fromSeed: 18,
    tamper: () => ({
      models: (tables) => ({ newestFor: (partition) => tables.newestFor(partition, 0) }),
    }),
  },
}

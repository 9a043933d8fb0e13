import assert from 'node:assert/strict'
import { fenceCodec } from '../../../schemas/avro.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { noFailpoint } from '../../../pipelines/failpoints.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import type { FatalError, LogRecord, TopicAppend } from '../../../pipelines/log/records.ts'
import { TaskSlot } from '../../../pipelines/task/task-slot.ts'
import type { SlotOutcome, TaskSlotParts } from '../../../pipelines/task/task-slot.ts'
import { TASK_BOUNDS } from '../../../pipelines/task/task.ts'
import type { Forward, TaskBatch, TaskDecision, TaskState } from '../../../pipelines/task/task.ts'
import type { TaskWriter } from '../../../pipelines/task/ports.ts'
import { inputRecord } from '../records/task-log.ts'
import { VirtualClock } from './virtual-clock.ts'

export const APPEND: TopicAppend = {
  topic: 'node.state',
  partition: 3,
  key: '!task',
  value: Buffer.from('task'),
}

/** A slot on parts that do what a test says, with a diary of what happened to them. */
export class SlotBench {
  inputEnd = 1_000n
  readonly clock = new VirtualClock()
  readonly diary: string[] = []
  readonly slot: TaskSlot
  readonly parts: TaskSlotParts
  /** Thrown by the next commit. */
  commitFails: Error | undefined
  /** Commits get no answer before this resolves. */
  commitTakes: Promise<void> | undefined
  /** What the state decides, or throws. */
  decide: (batch: TaskBatch) => Partial<TaskDecision> = () => ({ appends: [APPEND] })
  restoreTakesMs = 0
  /** What each opened state sends on with. */
  readonly forwards: Forward[] = []
  fatal: FatalError | undefined
  #offset = 40n

  constructor() {
    this.parts = {
      inputTopic: 'account.inbox',
      stateTopic: 'node.state',
      outputTopics: ['settlement.blocks'],
      instance: 'here',
      clock: this.clock,
      logger: silentLogger,
      metrics: noMetrics,
      failpoint: noFailpoint,
      stateReader: {
        read: async (partition, { start, through }, onRecord, signal) => {
          this.diary.push(`read ${partition} from ${start} through ${through}`)
          await this.clock.delay(this.restoreTakesMs, signal)
          if (signal?.aborted === true) throw new Error('given up')
          onRecord(inputRecord(Number(start), 0, null))
        },
      },
      openWriter: () => this.#writer(),
      openState: (_partition, forward) => {
        this.forwards.push(forward)
        return this.#state()
      },
      openForward: () => ({ below: 0n, send: async () => true }),
      logRanges: async () => ({ input: { start: 5n, end: this.inputEnd }, state: 30n }),
      deleteStateBefore: async (partition, offset) => {
        this.diary.push(`delete ${partition} before ${offset}`)
      },
      onFatal: (error) => {
        this.fatal = error
      },
    }
    this.slot = new TaskSlot(3, this.parts)
  }

  /** Brings the slot to running, at position 10. */
  async running(): Promise<this> {
    assert.deepEqual(await this.handle([1]), { next: 'seek', position: 10n })
    this.diary.length = 0
    return this
  }

  /** From waiting to running again, as heartbeats and a tick would bring it there. */
  async restarted(): Promise<void> {
    this.clock.pass(TASK_BOUNDS.fenceIntervalMs)
    this.slot.onAssigned()
    await this.handle([1])
  }

  async handle(
    offsets: readonly number[],
    heartbeat: () => Promise<void> = async () => {},
  ): Promise<SlotOutcome> {
    const records = offsets.map((offset) => inputRecord(offset, 0, null))
    return await this.slot.handle(records, BigInt(offsets.at(-1) ?? 0) + 1n, heartbeat)
  }

  #writer(): TaskWriter {
    const commit = async (records: readonly TopicAppend[]): Promise<readonly bigint[]> => {
      const [first] = records
      const what =
        first?.key === '!fence'
          ? `fence ${fenceCodec.decode(first.value ?? Buffer.alloc(0)).instance}`
          : 'commit'
      const fails = this.commitFails
      this.commitFails = undefined
      if (what !== 'commit') {
        assert.deepEqual(
          records.map(({ topic, partition }) => `${topic}[${partition}]`),
          ['node.state[3]', 'settlement.blocks[3]'],
          'one marker decides what is open in any topic of the task',
        )
      }
      this.diary.push(fails === undefined ? what : `${what} fails`)
      await this.commitTakes
      if (fails !== undefined) throw fails
      return records.map(() => this.#offset++)
    }
    const close = async (): Promise<void> => {
      this.diary.push('writer closed')
    }
    return { commit, close }
  }

  #state(): TaskState {
    return {
      restore: (record: LogRecord) => this.diary.push(`restore ${record.offset}`),
      restored: (inputStart) => {
        this.diary.push(`restored, input from ${inputStart}`)
        return {
          position: 10n,
          decidedTo: 10n,
          appends: [{ key: null, value: Buffer.from('rules') }],
          note: null,
        }
      },
      decide: async (batch) => ({
        appends: [],
        note: null,
        position: batch.nextOffset,
        groupOpen: false,
        pause: null,
        ...this.decide(batch),
      }),
      committed: (offsets) => ({ deleteStateBefore: offsets[0] ?? null }),
      dispose: () => this.diary.push('state thrown away'),
    }
  }
}

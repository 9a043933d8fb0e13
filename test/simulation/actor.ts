import type { TaskServiceName } from '../../schemas/services.ts'
import type { Forward, TaskState } from '../../pipelines/task/task.ts'
import type { Gateway } from './gateway.ts'
import type { Entry, Schedule, Settings } from './schedule.ts'
import type { Tampering } from './tampering.ts'
import type { SeededRandom } from './world/seeded-random.ts'
import type { SimProcess } from './world/process.ts'
import type { World } from './world/world.ts'

/** What a pipeline adds to the simulation: its entries in a schedule, its tasks, its clients and its judge. */
export interface Actor {
  /** What its clients do in a seed, drawn from the stream of chance that all settings and trouble of a seed come from. */
  readonly draw?: (random: SeededRandom, settings: Pick<Settings, 'activeMs'>) => Entry[]
  /** All entries so far and its own entries, drawn from a stream of its own. */
  readonly join?: (draw: ActorDraw) => Entry[]
  /** The same, once every actor has added its entries: what goes wrong among its clients. */
  readonly disturb?: (draw: ActorDraw) => Entry[]
  /** Starts the actor in a world, before anything runs. */
  readonly enter: (world: World, tampering: Tampering) => ActorRun
}

export interface ActorDraw extends Pick<Schedule, 'seed' | 'settings' | 'entries'> {
  /** Only these kinds of trouble; all kinds where it is not given. */
  readonly only: readonly string[] | undefined
}

/** An actor in one run. */
export interface ActorRun {
  /** Does what the entry says; returns false where the entry does not belong to this actor. */
  readonly play: (entry: Entry, gateways: readonly Gateway[]) => boolean
  /** The tasks, in the order in which work goes through them. */
  readonly tasks: readonly ActorTasks[]
  /** What is wrong with one partition at the end of the run: assertions, each with its subject. */
  readonly judge: (
    partition: number,
  ) => readonly (readonly [what: string, assertAll: () => void | Promise<void>])[]
}

/** The tasks of one service in one run. */
export interface ActorTasks {
  readonly service: TaskServiceName
  /** The states of the tasks in a process. `rules`: the version of its settings that the process was started with. */
  readonly open: (opening: Opening) => (partition: number, forward: Forward) => TaskState
  /** Numbers of a task record that never fall; the first is the position in the input. */
  readonly fieldsOf: (taskRecord: Buffer) => readonly number[]
  /** Called first when all work before it is done, and then until it returns true. */
  readonly isDone: () => boolean
}

export interface Opening {
  readonly process: SimProcess
  readonly rules: number
  /** The number of processes that were started before it. */
  readonly lives: number
}

import type { TaskServiceName } from '../../schemas/services.ts'
import type { Forward, TaskState } from '../../pipelines/task/task.ts'
import type { Gateway } from './gateway.ts'
import type { Entry, Schedule, Settings } from './schedule.ts'
import type { Tampering } from './tampering.ts'
import type { SeededRandom } from './world/seeded-random.ts'
import type { SimProcess } from './world/process.ts'
import type { World } from './world/world.ts'

/** What a pipeline brings to the simulation: its entries in a schedule, its tasks, its clients and its judge. */
export interface Actor {
  /** What its clients do in a seed, from the stream of chance that all of a seed's settings and trouble come from. */
  readonly draw?: (random: SeededRandom, settings: Pick<Settings, 'activeMs'>) => Entry[]
  /** All entries so far, with its own among them, from a stream of its own. */
  readonly join?: (draw: ActorDraw) => Entry[]
  /** The same, when everybody has joined: what goes wrong among its clients. */
  readonly disturb?: (draw: ActorDraw) => Entry[]
  /** In a world, before anything runs. */
  readonly enter: (world: World, tampering: Tampering) => ActorRun
}

export interface ActorDraw extends Pick<Schedule, 'seed' | 'settings' | 'entries'> {
  /** No kinds of trouble but these. */
  readonly only: readonly string[] | undefined
}

/** An actor in one run. */
export interface ActorRun {
  /** Does what the entry says; false where it is no entry of this actor. */
  readonly play: (entry: Entry, gateways: readonly Gateway[]) => boolean
  /** In the order in which work goes through them. */
  readonly tasks: readonly ActorTasks[]
  /** What is wrong with the end of the run, of one partition: assertions, each with what it is about. */
  readonly judge: (partition: number) => readonly (readonly [what: string, assertAll: () => void])[]
}

/** The tasks of one service in one run. */
export interface ActorTasks {
  readonly service: TaskServiceName
  /** The states of a process' tasks. `rules`: which version of its settings the process was started with. */
  readonly open: (opening: Opening) => (partition: number, forward: Forward) => TaskState
  /** Numbers of a task record that never fall; the first is the position in its input. */
  readonly fieldsOf: (taskRecord: Buffer) => readonly number[]
  /** Asked first when all that comes before is done, and then until it is true. */
  readonly isDone: () => boolean
}

export interface Opening {
  readonly process: SimProcess
  readonly rules: number
  /** How many processes have been started before it. */
  readonly lives: number
}

import { STATE_KEY } from '../../schemas/avro.ts'
import { SERVICES } from '../../schemas/services.ts'
import { BLOCK_HEADER } from '../../schemas/tables.ts'
import { isTick } from '../../pipelines/load/group.ts'
import type { LogRecord } from '../../pipelines/log/records.ts'
import type { ActorTasks } from './actor.ts'
import type { Row } from '../support/oracles/row-reader.ts'
import { TOPICS } from './services.ts'
import { rowsOf } from './world/store-server.ts'
import type { World } from './world/world.ts'

/** A committed block of a log. */
export interface LogBlock {
  readonly table: string
  readonly seq: number
  readonly bytes: Buffer
  readonly rows: readonly Row[]
}

/** The committed blocks of a partition, in their order. */
export function blocksOf({ cluster }: World, topic: string, partition: number): LogBlock[] {
  return cluster
    .log(topic, partition)
    .committed()
    .filter((record) => !isTick(record))
    .map(toLogBlock)
}

function toLogBlock({ value, headers }: LogRecord): LogBlock {
  const text = (name: string): string => headers[name]?.toString() ?? ''
  const table = text(BLOCK_HEADER.table)
  const bytes = value ?? Buffer.alloc(0)
  return {
    table,
    seq: Number(text(BLOCK_HEADER.seq)),
    bytes,
    rows: rowsOf(bytes, table, text(BLOCK_HEADER.columns), text(BLOCK_HEADER.tablePartition), {
      format: text(BLOCK_HEADER.format) === 'Native' ? 'Native' : 'RowBinary',
      packed: text(BLOCK_HEADER.encoding) === 'zstd',
    }),
  }
}

/** The task records of a partition, in their order. */
export function taskRecordsOf(
  { cluster }: World,
  service: ActorTasks['service'],
  partition: number,
): Buffer[] {
  return cluster
    .log(TOPICS[SERVICES[service].state], partition)
    .committed()
    .flatMap(({ key, value }) => (key?.toString() === STATE_KEY.task && value !== null ? [value] : []))
}

/** How far the service's task of the partition has come in its input. */
export function positionOf(world: World, { service, fieldsOf }: ActorTasks, partition: number): number {
  const last = taskRecordsOf(world, service, partition).at(-1)
  return last === undefined ? 0 : (fieldsOf(last)[0] ?? 0)
}

/** Records of its input that a service's task has passed. */
export function passedBy(world: World, tasks: ActorTasks, partition: number): LogRecord[] {
  const position = positionOf(world, tasks, partition)
  const { input } = SERVICES[tasks.service]
  return world.cluster
    .log(TOPICS[input], partition)
    .committed()
    .filter(({ offset }) => offset < position)
}

/** The rows of a table without the columns that say which block brought them. */
export function plainRows(blocks: readonly LogBlock[], table: string): Row[] {
  return blocks
    .filter((block) => block.table === table)
    .flatMap(({ rows }) => rows)
    .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('src_'))))
}

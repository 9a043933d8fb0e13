import assert from 'node:assert/strict'
import { blockTopics } from '../../schemas/topics.ts'
import type { ActorRun, ActorTasks } from './actor.ts'
import { blocksOf, taskRecordsOf } from './logs.ts'
import type { LogBlock } from './logs.ts'
import { PARTITIONS, TOPICS } from './services.ts'
import { placeOf } from './world/cluster.ts'
import type { World } from './world/world.ts'

/** At most so many problems with acknowledgements are printed. */
const RECEIPTS_SHOWN_MAX = 3

/**
 * Returns everything that is wrong at the end of a run, in words: it compares the logs with plain models, and the store
 * with the logs.
 */
export async function judge(world: World, actors: readonly ActorRun[]): Promise<string[]> {
  const problems = world.receipts.problems(world.cluster).slice(0, RECEIPTS_SHOWN_MAX)
  const check = async (what: string, assertAll: () => void | Promise<void>): Promise<void> => {
    try {
      await assertAll()
    } catch (error) {
      const text =
        error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 400) : String(error)
      problems.push(`${what}: ${text}`)
    }
  }
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const tasks of actors.flatMap((actor) => actor.tasks)) {
      await check(`task records of the ${tasks.service}'s ${partition}`, () =>
        assertNeverFalls(world, tasks, partition),
      )
    }
    for (const topic of blockTopics(TOPICS)) {
      const blocks = blocksOf(world, topic, partition)
      await check(`numbers of ${topic}[${partition}]`, () => assertNumbered(blocks))
      await check(`store of ${topic}[${partition}]`, () =>
        assertStored(world, placeOf(topic, partition), blocks),
      )
    }
    for (const actor of actors)
      for (const [what, assertAll] of actor.judge(partition)) await check(what, assertAll)
  }
  return problems
}

/** Positions, numbers and watermarks of the task records, in the order of the log. */
function assertNeverFalls(world: World, { service, fieldsOf }: ActorTasks, partition: number): void {
  let before: readonly number[] = []
  for (const record of taskRecordsOf(world, service, partition)) {
    const fields = fieldsOf(record)
    for (const [index, value] of fields.entries()) {
      assert.ok(value >= (before[index] ?? 0), `field ${index} falls from ${before[index]} to ${value}`)
    }
    before = fields
  }
}

function assertNumbered(blocks: readonly LogBlock[]): void {
  for (const [index, { seq }] of blocks.entries()) {
    assert.equal(seq, index + 1, `block ${index + 1} has number ${seq}`)
  }
}

/** Every block up to the loaded number is in the store once, a block above it at most once, and nothing else is there. */
function assertStored(world: World, source: string, blocks: readonly LogBlock[]): void {
  const loadedSeq = world.store.loadedSeq(source)
  const stored = new Map<Buffer, number>()
  for (const part of world.store.parts) {
    if (part.source !== source) continue
    for (const { bytes } of part.blocks) stored.set(bytes, (stored.get(bytes) ?? 0) + 1)
  }
  for (const { bytes, seq, table } of blocks) {
    const times = stored.get(bytes) ?? 0
    assert.ok(
      times === 1 || (times === 0 && seq > loadedSeq),
      `block ${seq} (${table}) is there ${times} times`,
    )
    stored.delete(bytes)
  }
  assert.equal(stored.size, 0, `${stored.size} blocks are in the store and not in the log`)
}

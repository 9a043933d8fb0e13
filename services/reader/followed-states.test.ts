import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StateTable } from '../../pipelines/kafka/kafkajs/table.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import { FollowedStates } from './followed-states.ts'

/** A table that reports the records and the failure that a test gives it. */
class ScriptedTable implements StateTable {
  loaded = false
  isStopped = false
  readonly #topic: string
  readonly #started = Promise.withResolvers<void>()
  readonly #failure = Promise.withResolvers<Error>()
  readonly failed = this.#failure.promise

  constructor(topic: string) {
    this.#topic = topic
  }

  async start(): Promise<void> {
    await this.#started.promise
    this.loaded = true
  }

  waitingFor(): string[] {
    return this.loaded ? [] : [`${this.#topic} to be read`]
  }

  async reach(): Promise<boolean> {
    return true
  }

  async stop(): Promise<void> {
    this.isStopped = true
  }

  read(): void {
    this.#started.resolve()
  }

  refuse(reason: unknown): void {
    this.#started.reject(reason)
  }

  fail(error: Error): void {
    this.#failure.resolve(error)
  }
}

function follow() {
  const tables = { nodeState: new ScriptedTable('node.state'), models: new ScriptedTable('hivemeter.models') }
  const rows = (['nodeState', 'models'] as const).map((topic) => ({ topic, onRecord: () => {} }))
  const states = new FollowedStates(
    rows,
    ({ topic }: { topic: TopicRole }) => tables[topic as keyof typeof tables],
  )
  states.start()
  return { tables, states }
}

const turn = () => new Promise(setImmediate)

test('every row is waited for and stopped, and each is read by its own table', async () => {
  const { tables, states } = follow()
  assert.equal(states.table('models'), tables.models)
  assert.deepEqual(states.waitingFor(), ['node.state to be read', 'hivemeter.models to be read'])
  tables.models.read()
  await turn()
  assert.deepEqual(states.waitingFor(), ['node.state to be read'])
  tables.nodeState.read()
  await turn()
  assert.deepEqual(states.waitingFor(), [])
  await states.stop()
  assert.ok(tables.nodeState.isStopped && tables.models.isStopped)
})

test('one that can no longer be followed, or could not be read, is the failure of all', async () => {
  const followed = follow()
  followed.tables.models.read()
  followed.tables.models.fail(new Error('the group is gone'))
  assert.equal((await followed.states.failed).message, 'the group is gone')

  const unread = follow()
  unread.tables.nodeState.refuse(new Error('no such topic'))
  assert.equal((await unread.states.failed).message, 'no such topic')
})

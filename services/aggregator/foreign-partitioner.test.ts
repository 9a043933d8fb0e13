import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../pipelines/logger.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { ForeignPartitioner, NAMED_MS } from './foreign-partitioner.ts'

test('NAMED_MS: a producer with another partitioner is named with where it writes, and no longer when it has stopped', () => {
  const clock = new VirtualClock()
  const warned: string[] = []
  const logger = { ...silentLogger, warn: (_fields: object, message: string) => warned.push(message) }
  const foreign = new ForeignPartitioner('usage.metered', clock, logger)
  assert.deepEqual(foreign.notes(), [])
  foreign.sentOn(3, 5)
  foreign.sentOn(1, 2)
  foreign.sentOn(3, 1)
  const [note = ''] = foreign.notes()
  assert.match(note, /8 events of other partitions stood on partition 1, 3 and were sent on/)
  assert.match(note, /docs\/producing\.md/)
  assert.equal(warned.length, 1)
  clock.pass(NAMED_MS)
  assert.equal(foreign.notes().length, 1)
  clock.pass(1)
  assert.deepEqual(foreign.notes(), [])
  foreign.sentOn(3, 1)
  assert.equal(warned.length, 2)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../pipelines/logger.ts'
import { CrashDisk } from '../../../test/support/fleet/node/crash-disk.ts'
import { NodeWorld } from '../../../test/support/fleet/node/node-world.ts'
import { REFUSED_FILES_MAX, RefusedItems } from './refused-items.ts'

const chance = (): number => 0.25

async function world(items: number): Promise<NodeWorld> {
  const node = new NodeWorld(chance)
  await node.start()
  await node.beat()
  node.poll(items)
  await node.flush()
  return node
}

test('a batch that is unfit is halved until one item stands alone, which is refused for good and holds up nothing', async () => {
  const node = await world(8)
  for (let step = 0; step < 4; step += 1) assert.equal(await node.step('unfit'), true)
  // 8, 4, 2 and 1 items were tried; the first one stands alone and was taken as it is.
  assert.equal(node.arrived.size, 1)
  while (node.held > 0) await node.step('taken')
  assert.equal(node.arrived.size, 8)
})

test('whoever answers 200 without the time of the log is not the gateway, and nothing leaves the spool', async () => {
  const node = await world(8)
  assert.equal(await node.step('somebody_else'), true)
  assert.equal(node.held, 8)
  node.trueMs += 2_000
  await node.step('taken')
  assert.deepEqual([node.held, node.arrived.size], [0, 8])
})

test('ten items in a row that are unfit are no fault of theirs: the rest is kept and sent again', async () => {
  const node = await world(14)
  for (let step = 0; step < 200 && node.held > 4; step += 1) await node.step('unfit_alone')
  assert.equal(node.held, 4)
  for (let step = 0; step < 20; step += 1) {
    await node.step('unfit_alone')
    node.trueMs += 70_000
  }
  assert.equal(node.held, 4)
  await node.drain()
  assert.equal(node.arrived.size, 4)
})

test('a refused item is a file of its own; beyond the bound it is counted', async () => {
  const disk = new CrashDisk(chance)
  const refused = await RefusedItems.open(disk, silentLogger)
  for (let seq = 1; seq <= REFUSED_FILES_MAX + 2; seq += 1)
    await refused.keep(1, seq, 'in_the_future', { poll: {} })
  assert.equal((await disk.list()).length, REFUSED_FILES_MAX)
  assert.equal(refused.count, REFUSED_FILES_MAX + 2)
  const again = await RefusedItems.open(disk, silentLogger)
  await again.keep(2, 1, 'no_id', {})
  assert.equal((await disk.list()).length, REFUSED_FILES_MAX)
})

test('a batch that had no answer is sent again as it was, before what came after it', async () => {
  const node = await world(30)
  await node.step('lost_answer')
  node.trueMs += 120_000
  node.poll(5)
  await node.flush()
  assert.equal(node.arrived.size, 30)
  await node.step('taken')
  assert.equal(node.arrived.size, 30)
  await node.step('taken')
  assert.deepEqual([node.arrived.size, node.held], [35, 0])
})

test('what was just polled goes first, and what could not be sent then follows within the budget', async () => {
  const node = await world(30)
  await node.step('away')
  await node.crash()
  await node.beat()
  node.poll(5)
  await node.flush()
  assert.equal(await node.step('taken'), true)
  assert.equal(node.arrived.size, 5)
  assert.equal(await node.step('taken'), false, 'the budget is empty at the start')
  node.trueMs += 5
  assert.equal(await node.step('taken'), true)
  assert.equal(node.arrived.size, 25, 'twenty items in five milliseconds, at 4,000 a second')
  node.trueMs += 1_000
  await node.step('taken')
  assert.deepEqual([node.arrived.size, node.held], [35, 0])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../pipelines/logger.ts'
import { CrashDisk } from '../../../test/support/fleet/node/crash-disk.ts'
import { VirtualClock } from '../../../test/support/memory/virtual-clock.ts'
import { pollItem } from '../machines/items.ts'
import { NodeTime } from '../time/node-time.ts'
import { Losses } from './losses.ts'
import { Outbox, WAITING_ITEMS_MAX } from './outbox.ts'
import { Spool } from './spool.ts'

test('what is added while the disk is at work goes with the next flush', async () => {
  const losses = new Losses(silentLogger)
  const spool = await Spool.open({ disk: new CrashDisk(() => 0.5), losses })
  const time = new NodeTime(new VirtualClock(), { id: 'b', uptimeMs: 1_000 }, null)
  const outbox = new Outbox({ epoch: 4, spool, time, losses })
  const item = pollItem({ serial: 'HM-1', mac: null, mac_arp: null, address: 'a', observed_at: 1 }, 'ok')
  assert.ok(!('code' in item))
  outbox.add(item, time.bootMs())
  const flushing = outbox.flush()
  await Promise.resolve()
  outbox.add(item, time.bootMs())
  await flushing
  outbox.add(item, time.bootMs())
  await outbox.flush()
  assert.deepEqual([spool.index.heldItems, outbox.oldestWaiting], [3, null])
})

test('beyond the room in memory an item is lost, and its number is never used again', async () => {
  const losses = new Losses(silentLogger)
  const spool = await Spool.open({ disk: new CrashDisk(() => 0.5), losses })
  const time = new NodeTime(new VirtualClock(), { id: 'b', uptimeMs: 1_000 }, null)
  time.acknowledged(time.bootMs(), Date.UTC(2026, 10, 30))
  const outbox = new Outbox({ epoch: 4, spool, time, losses })
  const item = pollItem({ serial: 'HM-1', mac: null, mac_arp: null, address: 'a', observed_at: 1 }, 'ok')
  assert.ok(!('code' in item))
  for (let made = 0; made < WAITING_ITEMS_MAX + 2; made += 1) outbox.add(item, time.bootMs())
  assert.deepEqual(losses.items, { no_waiting: 2 })
  await Promise.all([outbox.flush(), outbox.flush()])
  assert.equal(outbox.oldestWaiting, null)
  assert.equal(spool.index.heldItems, WAITING_ITEMS_MAX)
  outbox.add(item, time.bootMs())
  assert.equal(outbox.oldestWaiting, WAITING_ITEMS_MAX + 3)
  assert.equal(losses.take().spans.length, 1)
})

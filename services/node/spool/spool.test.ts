import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLogger } from '../../../pipelines/logger.ts'
import { BATCH_ITEMS_MAX } from '../../../schemas/fleet/bounds.ts'
import { HOUR_MS } from '../../../schemas/units.ts'
import { CrashDisk } from '../../../test/support/fleet/node/crash-disk.ts'
import type { Disk } from './disk.ts'
import { Losses } from './losses.ts'
import { nodeDisk } from './node-disk.ts'
import { Spool, SPOOL_AGE_MS_MAX } from './spool.ts'
import type { NumberedItem } from './spool.ts'

const NOW = Date.UTC(2026, 10, 30)
const NEXT = { epoch: 9, seq: 1 }

const folder = mkdtempSync(join(tmpdir(), 'hivemeter-spool-'))
after(() => rmSync(folder, { recursive: true }))

async function opened(disk: Disk, sizeBytesMax?: number): Promise<{ spool: Spool; losses: Losses }> {
  const losses = new Losses(silentLogger)
  return {
    spool: await Spool.open({ disk, losses, ...(sizeBytesMax === undefined ? {} : { sizeBytesMax }) }),
    losses,
  }
}

function items(from: number, count: number, atMs = NOW): NumberedItem[] {
  return Array.from({ length: count }, (_, index) => ({
    seq: from + index,
    atMs,
    bytes: Buffer.from(`item ${from + index} ${'x'.repeat((from + index) % 50)}`),
  }))
}

async function textsOf(spool: Spool): Promise<string[]> {
  const texts: string[] = []
  for (let run = spool.index.oldestRun(NEXT, 300); run !== null; run = spool.index.oldestRun(NEXT, 300)) {
    for (const bytes of (await spool.read(run)) ?? []) texts.push(bytes.toString('utf8'))
    await spool.release(run)
  }
  return texts
}

test('what was appended is read back after a restart, in files for the owner alone, and goes once it was taken', async () => {
  const disk = await nodeDisk(join(folder, 'real'))
  const { spool } = await opened(disk)
  for (let from = 1; from < 2_500; from += 30) await spool.append(3, items(from, 30), null)
  const names = await disk.list()
  assert.ok(names.some((name) => name.endsWith('.seg')) && names.some((name) => name.endsWith('.open')))
  for (const name of names) assert.equal(statSync(join(folder, 'real', name)).mode & 0o077, 0)
  const again = (await opened(disk)).spool
  assert.deepEqual([again.epochMax, again.index.heldItems], [3, 2_520])
  assert.deepEqual(
    await textsOf(again),
    items(1, 2_520).map(({ bytes }) => bytes.toString('utf8')),
  )
  await again.close()
  assert.deepEqual(await disk.list(), [])
})

test('a run that was chosen before its file was packed is read and released all the same', async () => {
  const disk = new CrashDisk(() => 0.5)
  const { spool, losses } = await opened(disk)
  await spool.append(1, items(1, 600), null)
  const run = spool.index.oldestRun(NEXT, 600)
  assert.ok(run !== null)
  const packing = spool.append(1, items(601, 900), null)
  const read = spool.read(run)
  await packing
  assert.equal((await read)?.length, 600)
  await spool.release(run)
  assert.equal((await textsOf(spool)).length, 900)
  assert.equal(await spool.read(run), null, 'it is not held any more')
  await spool.close()
  assert.deepEqual([await disk.list(), losses.items], [[], {}])
})

test('a full disk loses what is new only where nothing old can make room, and all of it is counted', async () => {
  const disk = new CrashDisk(() => 0.5)
  const { spool, losses } = await opened(disk)
  await spool.append(1, items(1, 10), null)
  disk.isFull = true
  await spool.append(1, items(11, 10), null)
  assert.deepEqual(losses.items, { no_room: 10, not_written: 10 })
  disk.isFull = false
  await spool.append(1, items(21, 10), null)
  assert.deepEqual(spool.index.low(), { epoch: 1, seq: 21 })
  // What was half written is not read, by this process or the next.
  const next = await opened(disk)
  assert.equal((await textsOf(next.spool)).length, 10)
})

test('a disk that cannot be read now loses nothing, and what was half written takes no room', async () => {
  const disk = new CrashDisk(() => 0.5)
  const { spool, losses } = await opened(disk)
  const read = disk.read.bind(disk)
  const failing = (code: string) => async () => await Promise.reject(Object.assign(new Error(code), { code }))
  await spool.append(1, items(1, 600), null)
  disk.read = failing('EMFILE')
  const run = spool.index.oldestRun(NEXT, 600)
  assert.ok(run !== null)
  assert.equal(await spool.read(run), null)
  // The file is full now, and cannot be packed.
  await spool.append(1, items(601, 400), null)
  assert.deepEqual([spool.index.heldItems, losses.items], [1_000, {}])
  disk.read = read
  assert.equal((await spool.read(run))?.length, 600)
  disk.isFull = true
  for (let from = 1_001; from < 1_100; from += 10) await spool.append(1, items(from, 10), null)
  assert.deepEqual(await disk.list(), [])
  disk.isFull = false
  await spool.append(1, items(1_200, 10), null)
  disk.read = failing('EIO')
  const lost = spool.index.oldestRun(NEXT, 10)
  assert.ok(lost !== null)
  assert.equal(await spool.read(lost), null)
  assert.equal(losses.items['damaged'], 10, 'a sector that is gone is not waited for')
})

test('of what is too old, nothing younger goes', async () => {
  const disk = new CrashDisk(() => 0.5)
  const { spool, losses } = await opened(disk)
  for (let hour = 0; hour < 3; hour += 1)
    await spool.append(1, items(1 + 10 * hour, 10, NOW + hour * HOUR_MS), null)
  await spool.keepWithin(NOW + HOUR_MS + SPOOL_AGE_MS_MAX)
  assert.deepEqual(losses.items, { too_old: 10 })
  assert.deepEqual(spool.index.low(), { epoch: 1, seq: 11 })
})

test('the oldest goes beyond the bounds of bytes and of age', async () => {
  const disk = new CrashDisk(() => 0.5)
  const { spool: first } = await opened(disk)
  for (let file = 0; file < 5; file += 1) {
    await first.append(1, items(1 + file * BATCH_ITEMS_MAX, BATCH_ITEMS_MAX, NOW + file), null)
  }
  const half = first.index.sizeBytes / 2
  const { spool, losses } = await opened(disk, half)
  await spool.keepWithin(NOW)
  assert.ok(spool.index.sizeBytes <= half)
  const { no_room: dropped = 0 } = losses.items
  assert.ok(dropped > 0 && dropped % BATCH_ITEMS_MAX === 0)
  assert.deepEqual(spool.index.low(), { epoch: 1, seq: 1 + dropped })
  await spool.keepWithin(NOW + SPOOL_AGE_MS_MAX + 5)
  assert.deepEqual(losses.items, { no_room: dropped, too_old: 4 * BATCH_ITEMS_MAX - dropped })
  await spool.keepWithin(NOW + SPOOL_AGE_MS_MAX + 6)
  assert.equal(spool.index.low(), null)
})

test('a file that has rotted is told as lost, with the time around it, and holds up nothing', async () => {
  const disk = new CrashDisk(() => 0.5)
  const { spool } = await opened(disk)
  await spool.append(1, items(1, BATCH_ITEMS_MAX, NOW), null)
  await spool.append(1, items(1 + BATCH_ITEMS_MAX, BATCH_ITEMS_MAX, NOW + 600_000), null)
  const [first = ''] = await disk.list()
  const bytes = Buffer.from((await disk.read(first)) ?? '')
  bytes[200] = (bytes[200] ?? 0) ^ 1
  await disk.remove(first)
  await disk.append(first, bytes)
  const run = spool.index.oldestRun(NEXT, BATCH_ITEMS_MAX)
  assert.ok(run !== null)
  assert.equal(await spool.read(run), null)
  assert.deepEqual(spool.index.low(), { epoch: 1, seq: 1 + BATCH_ITEMS_MAX })

  await disk.append(first, bytes)
  const { spool: next, losses } = await opened(disk)
  assert.deepEqual(next.index.low(), { epoch: 1, seq: 1 + BATCH_ITEMS_MAX })
  const { spans, isUnknown } = losses.take()
  assert.equal(isUnknown, false)
  assert.ok(spans.length === 1 && (spans[0]?.from ?? NOW) <= NOW && (spans[0]?.to ?? 0) >= NOW + 600_000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CrashDisk } from '../../test/support/fleet/node/crash-disk.ts'
import { processStart, takeState } from './one-process.ts'

test('one process has a state folder; one that was killed has it no more', async () => {
  const disk = new CrashDisk(() => 0.5)
  const running = new Map([
    [7, '100'],
    [8, '200'],
  ])
  const startOf = (pid: number): string | null => running.get(pid) ?? null
  const release = await takeState(disk, 7, startOf)
  await assert.rejects(takeState(disk, 8, startOf), /Another node runs on this state folder, as process 7\./)
  await release()
  await takeState(disk, 8, startOf)
  // Its number belongs to another process by now.
  running.set(8, '300')
  await takeState(disk, 7, startOf)
  running.delete(7)
  await takeState(disk, 8, startOf)
})

test('a process that runs has a start, and one that does not has none', () => {
  assert.match(processStart(process.pid) ?? '', /^\d+$/)
  assert.equal(processStart(2 ** 30), null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLOCK_ROLES } from '../../schemas/topics.ts'
import { fakeClickhouse } from '../../test/support/servers/clickhouse.ts'
import { importsOf, trackedFiles } from '../../test/support/tree.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import type { VerifyRun } from './check.ts'
import { CHECKS } from './checks.ts'
import { Differences } from './differences.ts'
import { Tables } from './tables.ts'

const RUN: VerifyRun = {
  tables: new Tables(fakeClickhouse({})),
  differences: new Differences(),
  clock: new VirtualClock(),
  catchUpMs: 0,
  signal: new AbortController().signal,
  say: () => {},
  idKey: () => Buffer.alloc(0),
  recordsOf: async function* () {},
}

const checks = CHECKS.map((Kind) => new Kind(RUN))
const names = checks.map(({ name }) => name)
const files = trackedFiles().filter(({ path }) => path.startsWith('services/verify/'))

test('every topic of blocks has a check', () => {
  assert.deepEqual(checks.map(({ task }) => task.blocks).toSorted(), BLOCK_ROLES.toSorted())
})

test('a check is a folder, which knows no other one', () => {
  for (const name of names) {
    const folder = `services/verify/${name}/`
    const own = files.filter(({ path }) => path.startsWith(folder))
    assert.ok(
      own.some(({ path }) => path === `${folder}check.ts`),
      folder,
    )
    const others = names.filter((other) => other !== name).map((other) => `services/verify/${other}/`)
    const known = own.flatMap((file) =>
      importsOf(file)
        .filter((to) => others.some((other) => to.startsWith(other)))
        .map((to) => `${file.path} imports ${to}`),
    )
    assert.deepEqual(known, [])
  }
})

test('what is beside the folders knows none of them: only the list does', () => {
  const top = files.filter(
    ({ path }) =>
      path.split('/').length === 3 && path.endsWith('.ts') && path !== 'services/verify/checks.ts',
  )
  const known = top.flatMap((file) =>
    importsOf(file)
      .filter((to) => names.some((name) => to.startsWith(`services/verify/${name}/`)))
      .map((to) => `${file.path} imports ${to}`),
  )
  assert.deepEqual(known, [])
})

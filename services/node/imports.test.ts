import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, trackedFiles } from '../../test/support/tree.ts'

test('the node runs without Kafka and ClickHouse: nothing that it is made of knows them', () => {
  const files = new Map(trackedFiles().map((file) => [file.path, file]))
  const reached = new Set(['services/node/main.ts'])
  // A set may grow while it is iterated.
  for (const path of reached) {
    const file = files.get(path)
    if (file === undefined) continue
    // Types are gone when it runs.
    const text = file.text.replaceAll(/^import type\b[^;]*?from '[^']+'$/gm, '')
    for (const to of importsOf({ ...file, text })) reached.add(to)
  }
  assert.ok(reached.has('pipelines/fleet/normalise.ts') && reached.has('services/node/spool/spool.ts'))
  assert.deepEqual(
    [...reached].filter((path) =>
      /kafka|clickhouse|fastify|services\/(?!node\/|runtime\/(exit|logger)\.ts)/i.test(path),
    ),
    [],
  )
})

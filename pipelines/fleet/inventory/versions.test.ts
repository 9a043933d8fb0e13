import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { EDGE_MS, VERSION_KEPT_MS } from '../../../schemas/fleet/inventory/bounds.ts'
import type { Version } from '../../../schemas/fleet/inventory/records.ts'
import {
  edgeAtOrAfter,
  forgottenAtMs,
  keptOf,
  KNOWN_ALL,
  nextEdgeMs,
  piecesOf,
  versionAt,
} from './versions.ts'

const H = 3_600_000

function version(number: number, fromMs: number, toMs: number | null, body: string | null = 'x'): Version {
  return {
    version: number,
    valid_from: fromMs,
    valid_to: toMs,
    known_at: number,
    known_offset: number * 10,
    by: 'key:1',
    body: body === null ? null : { name: body },
  }
}

test('the newest version that is valid at a time holds, of those that are known', () => {
  const versions = [
    version(1, 100, null, 'first'),
    version(2, 200, 300, 'second'),
    version(3, 250, null, null),
  ]
  const nameAt = (atMs: number, knownTo = KNOWN_ALL): unknown =>
    versionAt(versions, atMs, knownTo)?.body?.['name']
  assert.deepEqual(
    [99, 100, 199, 200, 249, 250, 300].map((atMs) => nameAt(atMs)),
    [undefined, 'first', 'first', 'second', 'second', undefined, undefined],
  )
  assert.deepEqual(
    [nameAt(260, 20), nameAt(300, 20), nameAt(260, 10), nameAt(260, 9)],
    ['second', 'first', 'first', undefined],
  )
  assert.deepEqual(
    piecesOf(versions).map(({ fromMs, toMs, version: { version } }) => [fromMs, toMs, version]),
    [
      [100, 200, 1],
      [200, 250, 2],
    ],
  )
  assert.deepEqual(
    [nextEdgeMs(versions, 100, KNOWN_ALL), nextEdgeMs(versions, 300, KNOWN_ALL)],
    [200, KNOWN_ALL],
  )
})

test('edges are those of 5 minutes', () => {
  assert.deepEqual([0, 1, EDGE_MS, EDGE_MS + 1].map(edgeAtOrAfter), [0, EDGE_MS, EDGE_MS, 2 * EDGE_MS])
})

const anyVersions = fc
  .array(
    fc.tuple(fc.integer({ min: 0, max: 20 }), fc.option(fc.integer({ min: 1, max: 10 })), fc.boolean()),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((drafts) =>
    drafts.map(([from, length, isGone], index) =>
      version(
        index + 1,
        from * 10 * H,
        length === null ? null : (from + length) * 10 * H,
        isGone ? null : `v${index}`,
      ),
    ),
  )

test('what is forgotten is never asked for: any time of the last 80 hours, and any to come, has the same version', () => {
  fc.assert(
    fc.property(anyVersions, fc.integer({ min: 0, max: 400 }), (versions, nowH) => {
      const nowMs = nowH * H
      const kept = keptOf(versions, nowMs)
      for (let atMs = Math.max(0, nowMs - VERSION_KEPT_MS); atMs <= 320 * H; atMs += 5 * H)
        assert.equal(versionAt(kept, atMs)?.version, versionAt(versions, atMs)?.version, `at ${atMs / H} h`)
      const dueMs = forgottenAtMs(versions, VERSION_KEPT_MS)
      if (nowMs < dueMs) assert.equal(kept.length, versions.length)
    }),
  )
})

test('pieces are the times at which a version holds, and no others', () => {
  fc.assert(
    fc.property(anyVersions, (versions) => {
      const pieces = piecesOf(versions)
      for (let atMs = 0; atMs <= 320 * H; atMs += 5 * H) {
        const piece = pieces.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)
        assert.equal(piece?.version.version, versionAt(versions, atMs)?.version)
      }
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../services/runtime/config.ts'
import { folderAt } from './folder.ts'
import { exampleKey, readyScreen } from './ready-screen.ts'

const KEYS = { admin: 'hm_a', provider: 'hm_p', sample: 'hm_s', file: "/d/it's/keys.json", isNew: true }

test('keys are shown on a terminal by the start that made them; elsewhere it says where they are', () => {
  const screen = (showsKeys: boolean, isNew: boolean): string =>
    readyScreen(
      {
        config: loadConfig({ environment: {} }),
        folder: folderAt('/d'),
        versions: { kafka: '', clickhouse: '' },
        probe: { eventId: 'e', nodeId: 'n', operatorId: 'o', entryId: 'w', spark: 29 },
        keys: { ...KEYS, isNew },
        showsKeys,
        elapsedMs: 1,
      },
      [],
    )
  assert.match(screen(true, true), /^admin key: hm_a$/m)
  for (const text of [screen(false, true), screen(false, false), screen(true, false)]) {
    assert.doesNotMatch(text, /hm_/)
    assert.match(text, /^ {2}keys {8}\/d\/it's\/keys\.json$/m)
  }
})

test('a start in the compatible mode offers the exact one, and one in the exact mode says nothing', () => {
  const screen = (environment: Record<string, string>): string =>
    readyScreen(
      {
        config: loadConfig({ environment }),
        folder: folderAt('/d'),
        versions: { kafka: '', clickhouse: '' },
        probe: { eventId: 'e', nodeId: 'n', operatorId: 'o', entryId: 'w', spark: 29 },
        keys: undefined,
        showsKeys: false,
        elapsedMs: 1,
      },
      [],
    )
  assert.match(screen({}), /HIVEMETER_SPARK_MODE=exact .*\nHIVEMETER_ACCOUNT_RULES_VERSION=2,/)
  assert.doesNotMatch(screen({ HIVEMETER_SPARK_MODE: 'exact' }), /SPARK_MODE/)
})

test('a line to type names the key, or reads it from its file', () => {
  assert.deepEqual(exampleKey(KEYS, 'admin', true), { text: 'hm_a', shown: 'hm_a' })
  assert.equal(
    exampleKey(KEYS, 'provider', false)?.shown,
    String.raw`$(sed -n 's/.*"provider": "\(.*\)".*/\1/p' '/d/it'\''s/keys.json')`,
  )
  assert.equal(exampleKey(undefined, 'admin', false), undefined)
})

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { ADAPTERS } from '../../pipelines/fleet/vendors/adapters.ts'
import { WARNING_KINDS } from '../../pipelines/fleet/vendors/reading/warnings.ts'
import { normaliseFile } from '../../services/node/normalise-file.ts'
import { differences } from '../support/fleet/compare.ts'

// docs/fleet.md says what the code does.

const DOCUMENT = readFileSync(new URL('../../docs/fleet.md', import.meta.url), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'hivemeter-fleet-'))
after(() => rmSync(folder, { recursive: true }))

/** The names in the first column of the tables under a heading. */
function listedUnder(heading: string): string[] {
  const section = DOCUMENT.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  return [...section.matchAll(/^\| `([\w-]+)`/gm)].map(([, name = '']) => name)
}

describe('docs/fleet.md', () => {
  test('lists every adapter', () => {
    assert.deepEqual(listedUnder('The names'), [...ADAPTERS.keys()].toSorted())
  })

  test('explains every kind of warning', () => {
    assert.deepEqual(listedUnder('Warnings').toSorted(), [...WARNING_KINDS].toSorted())
  })

  test('has an example that gives what it shows', () => {
    const [, pasted = ''] = /<<'END'\n(.*?)\nEND\n/s.exec(DOCUMENT) ?? []
    const [, shown = ''] = /```json\n(\{\n {2}"telemetry".*?)```/s.exec(DOCUMENT) ?? []
    const path = join(folder, 'machine.json')
    writeFileSync(path, pasted)
    const { warnings, ...rest } = JSON.parse(normaliseFile(path)) as Record<string, unknown>
    const { warnings: shownWarnings, ...shownRest } = JSON.parse(shown) as Record<string, unknown>
    assert.deepEqual(differences(shownRest, rest), [])
    assert.deepEqual(warnings, shownWarnings)
  })
})

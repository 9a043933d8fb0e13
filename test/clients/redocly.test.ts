import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startBothServers } from '../support/servers/both-servers.ts'
import type { BothServers } from '../support/servers/both-servers.ts'
import { outputOf } from './tools.ts'

const PACKAGE = fileURLToPath(new URL('./redocly/package.json', import.meta.url))

interface Linted {
  readonly problems: readonly {
    readonly ruleId: string
    readonly severity: string
    readonly message: string
  }[]
}

let dir: string
let both: BothServers

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hivemeter-redocly-'))
  cpSync(PACKAGE, join(dir, 'package.json'))
  await outputOf('npm', ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: dir })
  both = await startBothServers()
})

after(async () => {
  await both[Symbol.asyncDispose]()
  rmSync(dir, { recursive: true, force: true })
})

test('Redocly finds nothing in the documents but that the project names no licence', async () => {
  const documents = await Promise.all([
    ...both.servers.map(async ({ name, app }) => [name, (await app.inject('/openapi.json')).body] as const),
    ...both.servers
      .filter(({ name }) => name === 'reader')
      .map(async ({ app }) => ['pages', (await app.inject('/docs/json')).body] as const),
  ])
  assert.equal(documents.length, 3)
  for (const [name, body] of documents) {
    const file = join(dir, `${name}.json`)
    writeFileSync(file, body)
    const linter = join(dir, 'node_modules/.bin/redocly')
    const { problems } = JSON.parse(
      await outputOf(linter, ['lint', '--extends', 'recommended', '--format', 'json', file], { cwd: dir }),
    ) as Linted
    const found = problems.map(({ ruleId, severity, message }) => `${severity} ${ruleId}: ${message}`)
    assert.deepEqual(found, ['warn info-license: Info object should contain `license` field.'], name)
  }
})

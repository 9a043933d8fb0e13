import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { METRICS } from '../../schemas/metrics.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const HERE = join(ROOT, 'infra/prometheus')
const run = promisify(execFile)

const rules = globSync('rules/*.yml', { cwd: HERE }).sort()
const tests = globSync('tests/*.yml', { cwd: HERE }).sort()
const textOf = (file: string): string => readFileSync(join(HERE, file), 'utf8')
const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found)

/** Why promtool cannot be run; undefined where it can. It comes with Debian's package `prometheus`. */
async function promtoolMissing(): Promise<string | undefined> {
  try {
    await run('promtool', ['--version'])
    return undefined
  } catch (error) {
    return `promtool is needed (apt-get install prometheus): ${String(error).split('\n', 1)[0]}`
  }
}

const missing = await promtoolMissing()
if (missing !== undefined && process.env['CI'] === 'true') throw new Error(missing)

describe('infra/prometheus', () => {
  it('has rules that promtool finds nothing in', { skip: missing }, async () => {
    assert.ok(rules.length > 0)
    await run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', ...rules], { cwd: HERE })
    await run('promtool', ['check', 'config', 'prometheus.yml'], { cwd: HERE })
  })

  it('fires what its tests say, when they say it', { skip: missing }, async () => {
    await run('promtool', ['test', 'rules', ...tests], { cwd: HERE })
  })

  it('tests each alert firing and silent', () => {
    assert.deepEqual(
      tests.map((file) => basename(file)),
      rules.map((file) => basename(file)),
    )
    for (const file of rules) {
      const tried = textOf(join('tests', basename(file)))
      for (const alert of all(textOf(file), /- alert: (\w+)/g)) {
        assert.match(
          tried,
          new RegExp(`alertname: ${alert}\\n\\s+exp_alerts:`),
          `${alert} is never seen firing`,
        )
        assert.match(tried, new RegExp(`alertname: ${alert} \\}`), `${alert} is never seen silent`)
      }
    }
  })

  it('names metrics that there are', () => {
    for (const file of rules) {
      for (const name of all(textOf(file), /\b(hivemeter_\w+)/g))
        assert.ok(name in METRICS, `${file}: ${name}`)
    }
  })

  it('leads from each alert to its page, and from each page to an alert', () => {
    const alerts = rules.flatMap((file) => all(textOf(file), /- alert: (\w+)/g))
    const pages = rules.flatMap((file) => all(textOf(file), /runbook_url: (\S+)/g))
    assert.deepEqual(
      pages,
      alerts.map((alert) => `docs/runbooks/${alert}.md`),
    )
    assert.deepEqual(globSync('docs/runbooks/*.md', { cwd: ROOT }).sort(), pages.toSorted())
    for (const page of pages) {
      const text = readFileSync(join(ROOT, page), 'utf8')
      for (const part of ['What it means', 'Look at', 'Undo'])
        assert.ok(text.includes(`**${part}`), `${page}: ${part}`)
      for (const link of all(text, /\]\(([^)#]+)/g))
        assert.ok(existsSync(join(ROOT, 'docs/runbooks', link)), `${page}: ${link}`)
    }
  })
})

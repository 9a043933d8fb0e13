import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EXIT, ExitError } from '../runtime/exit.ts'
import { normaliseFile } from './normalise-file.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const POLL = {
  adapter: 'bitmain',
  collected_at: '2026-05-04T03:02:01Z',
  context: { model: { make: 'Maker', model: 'Model 3', algorithm: 'SHA-256' } },
  answers: [{ request: 'stats', body_text: '{"STATS":[{},{"Elapsed":60,"GHS 5s":"4,5"},]}\0' }],
}

const folder = mkdtempSync(join(tmpdir(), 'hivemeter-node-'))
after(() => rmSync(folder, { recursive: true }))

function fileWith(content: unknown): string {
  const path = join(folder, 'poll.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** The command, as `npm run node` starts it, with no settings of its own. */
function run(...args: string[]): { code: number | null; out: string; error: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    env: {},
  })
  return { code: status, out: stdout, error: stderr }
}

describe('npm run node -- --normalise FILE', () => {
  test('prints what the answers say as one JSON document', () => {
    const { code, out, error } = run('--normalise', fileWith(POLL))
    assert.deepEqual([code, error], [0, ''])
    const { telemetry, warnings } = JSON.parse(out) as {
      telemetry: Record<string, unknown>
      warnings: unknown
    }
    assert.deepEqual([telemetry['model'], telemetry['uptime_s']], ['Model 3', 60])
    assert.deepEqual(warnings, ['json_repaired:stats', 'nul_stripped:stats'])
  })

  test('a wrong argument or a missing file is exit 2, and says what to do', () => {
    const nothing = run()
    assert.equal(nothing.code, EXIT.usage)
    assert.match(nothing.error, /^hivemeter node: Nothing to do\. Usage: npm run [^\n]+\n$/)
    const wrong = run('--normalize', 'x')
    assert.equal(wrong.code, EXIT.usage)
    assert.match(wrong.error, /--normalize/)
    const missing = run('--normalise', join(folder, 'none.json'))
    assert.equal(missing.code, EXIT.usage)
    assert.match(missing.error, /^hivemeter node: \S+none\.json cannot be read: [^\n]+\n$/)
  })

  test('a file that holds no answers of a machine is refused in one line, without a text of it', () => {
    const SECRET = 'kept-417'
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [`{"passwd":"${SECRET}"`, /is not JSON/],
      [[SECRET], /not a JSON object/],
      [{ ...POLL, adapter: undefined }, /"adapter" is missing/],
      [{ ...POLL, adapter: SECRET }, /unsupported: it is none of .*bitmain/],
      [{ ...POLL, collected_at: SECRET }, /"collected_at"/],
      [{ ...POLL, context: SECRET }, /"context"/],
      [{ ...POLL, answers: SECRET }, /"answers" is missing/],
      [{ ...POLL, answers: [...POLL.answers, { request: SECRET }] }, /at index 1/],
    ]
    for (const [content, message] of wrong) {
      assert.throws(
        () => normaliseFile(fileWith(content)),
        (error) => {
          assert.ok(error instanceof ExitError)
          assert.equal(error.exitCode, EXIT.usage)
          assert.match(error.message, message)
          assert.ok(!error.message.includes(SECRET) && !error.message.includes('\n'), error.message)
          return true
        },
      )
    }
  })
})

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { copyTree, plant } from '../support/processes/planted-tree.ts'

const SEEDS = 50
const TYPES_MS_MAX = 180_000
const RUN_MS_MAX = 400_000

/**
 * A second pipeline is a folder and a row in each table. In a copy of the project two pipelines, from one template, are
 * added beside usage. No existing file is changed otherwise, and types, the rules of the house, the simulation, a fault
 * run and verify include them.
 */
describe('a second pipeline, and a third', () => {
  let dir = ''

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'hivemeter-planted-'))
    copyTree(dir)
    plant(dir, { name: 'tally', apart: 0 })
    plant(dir, { name: 'votes', apart: 1 })
  })
  after(() => rm(dir, { recursive: true, force: true }))

  /** The output of a command in the copy; rejects with all of it where the command fails. */
  async function run(timeoutMs: number, command: string, ...args: string[]): Promise<string> {
    // The environment of this test is about this tree.
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env
    const result = await promisify(execFile)(command, args, { cwd: dir, env, timeout: timeoutMs }).catch(
      (error: { stdout?: string; stderr?: string; message: string }) => {
        throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`)
      },
    )
    return result.stdout
  }

  it('has the types of the tables', async () => {
    await run(TYPES_MS_MAX, join(dir, 'node_modules/.bin/tsc'), '--noEmit')
  })

  it('keeps the rules of the house', async () => {
    await run(TYPES_MS_MAX, process.execPath, '--test', 'test/tidy.test.ts')
  })

  it(`counts once in ${SEEDS} seeds of the simulation`, async () => {
    const result = await run(
      RUN_MS_MAX,
      process.execPath,
      'test/simulation/main.ts',
      '--seeds',
      String(SEEDS),
    )
    assert.match(result, new RegExp(`^${SEEDS} seeds, 0 failed`, 'm'))
  })

  it('counts once where its processes are struck, and verify finds no difference', async () => {
    const result = await run(RUN_MS_MAX, process.execPath, '--test', 'test/faults/votes/votes.test.ts')
    assert.match(result, /votes: \d{2,} events of \d+ nodes, 0 differences/)
    assert.match(result, /tally: \d{2,} events of \d+ nodes, 0 differences/)
    assert.match(result, /verify: 0 differences in .* nodes of the votes, .* nodes of the tally/)
  })
})

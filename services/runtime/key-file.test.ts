import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { systemRandom } from '../../pipelines/random.ts'
import { ExitError } from './exit.ts'
import { CURSOR_KEY, ID_KEY, ensureKeyFile, readKeyFile } from './key-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'hivemeter-key-'))
after(() => rmSync(folder, { recursive: true }))

describe('a key file', () => {
  const file = join(folder, 'sub', 'id.key')

  it('is 32 bytes as hex that nobody can write', () => {
    assert.equal(ensureKeyFile(ID_KEY, file, systemRandom), true)
    assert.match(readFileSync(file, 'utf8'), /^[0-9a-f]{64}\n$/)
    assert.equal(statSync(file).mode & 0o777, 0o400)
  })

  it('is never made anew, and leaves nothing beside it', () => {
    const before = readFileSync(file, 'utf8')
    assert.equal(ensureKeyFile(ID_KEY, file, systemRandom), false)
    assert.equal(readFileSync(file, 'utf8'), before)
    assert.deepEqual(readdirSync(join(folder, 'sub')), ['id.key'])
  })

  it('is refused where the file holds something else', () => {
    chmodSync(file, 0o600)
    writeFileSync(file, 'short')
    assert.throws(
      () => ensureKeyFile(ID_KEY, file, systemRandom),
      (error) => error instanceof ExitError && error.exitCode === 78,
    )
    assert.equal(readFileSync(file, 'utf8'), 'short')
  })

  it('is read as it was made, and missed by its name', () => {
    const cursor = join(folder, 'cursor.key')
    assert.throws(
      () => readKeyFile(CURSOR_KEY, cursor),
      (error) =>
        error instanceof ExitError &&
        error.exitCode === 78 &&
        /The cursor key file .*cursor\.key cannot be read\. Run npm run migrate/.test(error.message),
    )
    ensureKeyFile(CURSOR_KEY, cursor, systemRandom)
    assert.equal(readKeyFile(CURSOR_KEY, cursor).toString('hex'), readFileSync(cursor, 'utf8').trim())
  })
})

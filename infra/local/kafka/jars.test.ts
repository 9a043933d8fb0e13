import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { KAFKA_VERSION, jarsProblem, readChecksums } from './jars.ts'

const dir = mkdtempSync(join(tmpdir(), 'hivemeter-jars-'))
after(() => rmSync(dir, { recursive: true }))

const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex')

test('jars are used only where each is the file that was meant, and none is beside them', () => {
  const expected = readChecksums(`${sumOf('a')}  a-1.jar\n${sumOf('b')}  b-2.jar\n`)
  assert.deepEqual([...expected.keys()], ['a-1.jar', 'b-2.jar'])
  writeFileSync(join(dir, 'a-1.jar'), 'a')
  assert.equal(jarsProblem(dir, expected), 'b-2.jar is missing')
  writeFileSync(join(dir, 'b-2.jar'), 'b')
  writeFileSync(join(dir, 'stamp'), 'of an earlier version')
  assert.equal(jarsProblem(dir, expected), undefined)
  writeFileSync(join(dir, 'a-1.jar'), 'A')
  assert.equal(jarsProblem(dir, expected), 'a-1.jar is not the file that it should be')
  writeFileSync(join(dir, 'c-3.jar'), 'c')
  assert.match(jarsProblem(dir, expected) ?? '', /^c-3\.jar is none of the jars/)
})

test('the checksums are those of the version of the pom', () => {
  const expected = readChecksums(readFileSync(new URL('./jars.sha256', import.meta.url), 'utf8'))
  assert.ok(expected.has(`kafka_2.13-${KAFKA_VERSION}.jar`))
  assert.ok(expected.size > 40)
  for (const [name, checksum] of expected) assert.match(`${checksum} ${name}`, /^[0-9a-f]{64} [\w.-]+\.jar$/)
})

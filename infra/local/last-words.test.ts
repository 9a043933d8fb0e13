import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { lastWords } from './last-words.ts'

const folder = mkdtempSync(join(tmpdir(), 'hivemeter-words-'))
after(() => rmSync(folder, { recursive: true }))

function wordsOf(content: string, fromBytes = 0): string[] {
  const file = join(folder, 'a.log')
  writeFileSync(file, content)
  return lastWords(file, fromBytes)
}

describe('last words', () => {
  it('are the alarms of a broker, without its frames and its orderly end', () => {
    const log = [
      '2026-11-20T12:00:00,000Z INFO starting (kafka.server.KafkaRaftServer)',
      '2026-11-20T12:00:01,000Z ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)',
      'java.lang.RuntimeException: No readable meta.properties files found.',
      '\tat org.apache.kafka.metadata.properties.MetaPropertiesEnsemble.verify(MetaPropertiesEnsemble.java:493)',
      '\t... 3 more',
      '2026-11-20T12:00:02,000Z INFO shut down (kafka.server.KafkaRaftServer)',
    ].join('\n')
    assert.deepEqual(wordsOf(log), [
      '2026-11-20T12:00:01,000Z ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)',
      'java.lang.RuntimeException: No readable meta.properties files found.',
    ])
  })

  it('are what a service said in its log and on standard error', () => {
    const log = [
      '{"level":"info","service":"loader","msg":"loader started"}',
      '{"level":"error","service":"loader","err":{"message":"code 241"},"msg":"loader failed: insert"}',
      'hivemeter loader: insert: code 241',
    ].join('\n')
    assert.deepEqual(wordsOf(log), [
      'error: loader failed: insert (code 241)',
      'hivemeter loader: insert: code 241',
    ])
  })

  it('are the last lines where nothing sounds like an alarm, four at most', () => {
    assert.deepEqual(wordsOf('a\nb\n\nc\nd\ne\n'), ['b', 'c', 'd', 'e'])
  })

  it('leave out what an earlier start wrote', () => {
    assert.deepEqual(wordsOf('ERROR old\nnew\n', 'ERROR old\n'.length), ['new'])
    assert.deepEqual(wordsOf('rolled over\n', 1_000), ['rolled over'])
    assert.deepEqual(lastWords(join(folder, 'absent.log')), [])
  })
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../pipelines/clock.ts'
import { schemaIdOf } from '../../schemas/avro.ts'
import { holdsUsageEvents, usageEventsIn } from '../../schemas/usage-values.ts'
import { NOW, setUp } from '../../services/gateway/app-fixture.ts'
import { outputOf, toolMissing } from './tools.ts'

const SOURCE = fileURLToPath(new URL('./cloudevents-python', import.meta.url))

interface PrintedAnswer {
  readonly status: number
  readonly body: { readonly accepted?: number }
  readonly content_type: string | null
}

const missing = toolMissing([['python3', '-c', 'import venv, ensurepip']])

describe('the SDK of CloudEvents for Python', { skip: missing ?? false }, () => {
  let dir: string
  let answers: Readonly<Record<string, PrintedAnswer>>
  let gateway: Awaited<ReturnType<typeof setUp>>

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'hivemeter-cloudevents-'))
    await outputOf('python3', ['-m', 'venv', dir])
    const requirements = join(SOURCE, 'requirements.txt')
    await outputOf(join(dir, 'bin/pip'), ['install', '--quiet', '--requirement', requirements])
    gateway = await setUp({ requestClock: systemClock })
    await gateway.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = gateway.app.server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/v1/events`
    const time = new Date(NOW).toISOString()
    const printed = await outputOf(join(dir, 'bin/python'), [join(SOURCE, 'send.py'), url, time])
    answers = JSON.parse(printed) as typeof answers
  })

  after(async () => {
    await gateway?.app.close()
    rmSync(dir, { recursive: true, force: true })
  })

  for (const form of ['older binary', 'older structured', 'binary', 'structured'])
    it(`${form}: its event is taken`, () => {
      const { status, body } = answers[form] as PrintedAnswer
      assert.deepEqual([status, body.accepted], [202, 1], JSON.stringify(body))
    })

  it('names each event by its id and its source', () => {
    // A probe of the log's time is among them.
    const events = gateway.log.records.flatMap(({ value }) =>
      value !== null && holdsUsageEvents(schemaIdOf(value)) ? usageEventsIn(value) : [],
    )
    assert.deepEqual(
      events.map(({ event_text, event_source, node_id, tokens_in }) => [
        event_text,
        event_source,
        node_id,
        tokens_in,
      ]),
      Object.keys(answers).map((form) => [form, '/python', 'node-1', 7]),
    )
  })

  it('says no content type with data of binary mode: JSON by its attributes', () => {
    assert.equal(answers['older binary']?.content_type, null)
  })
})

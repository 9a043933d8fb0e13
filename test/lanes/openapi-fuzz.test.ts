import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { fuzz, schemathesis } from '../support/processes/schemathesis.ts'
import { startService } from '../support/processes/service-process.ts'

const EXAMPLES = 8
const SEED = 20_261_125

/** This many requests come quickly: the rate limit of one credential is not the subject of this test. */
const SETTINGS = { HIVEMETER_ACCESS: 'required', HIVEMETER_REQUESTS_PER_SECOND_MAX: '100000' }

describe('the published documents', () => {
  let installation: Installation
  let key = ''
  const urls = { reader: '', gateway: '' }
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'fuzz' })
    cleanup.defer(() => installation.dispose())
    const names = ['aggregator', 'settler', 'fleet', 'loader', 'gateway', 'reader'] as const
    const services = await Promise.all(
      names.map((name) => startService(installation, name, { settings: SETTINGS })),
    )
    for (const service of services) cleanup.defer(() => service.stop())
    await Promise.all(services.map((service) => service.ready()))
    for (const { name, url } of services) if (name === 'reader' || name === 'gateway') urls[name] = url
    const made = await installation.command('keys', ['create', '--client', 'fuzzer', '--scopes', 'admin'])
    assert.equal(made.exitCode, 0, made.output)
    key = made.output.trim().split('\n').at(-1) ?? ''
  })

  after(() => cleanup.disposeAsync())

  for (const name of ['reader', 'gateway'] as const) {
    it(`of the ${name} is true: a fuzzer finds no other status, field, content type, and no 5xx`, async (t) => {
      const found = await schemathesis()
      if ('missing' in found) {
        t.skip(found.missing)
        return
      }
      const { passed, output } = await fuzz({
        ...found,
        url: urls[name],
        key,
        examples: EXAMPLES,
        seed: SEED,
      })
      const cases = /\d+ generated[^\n]*/.exec(output)?.[0] ?? 'no summary'
      t.diagnostic(cases)
      assert.ok(passed, output.slice(0, 12_000))
      assert.match(cases, /^\d{3,} generated/)
    })
  }
})

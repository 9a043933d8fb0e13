import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { install } from '../support/installation.ts'
import type { Installation } from '../support/installation.ts'
import { startService } from '../support/service-process.ts'
import type { ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

/** What the contract promises of a key that is made or revoked, on every instance. */
const COUNTS_WITHIN_MS = 5_000

describe('keys', () => {
  let installation: Installation
  let readers: ServiceProcess[]
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'keys' })
    cleanup.defer(() => installation.dispose())
    readers = await Promise.all(
      [1, 2].map(() => startService(installation, 'reader', { settings: { HIVEMETER_ACCESS: 'required' } })),
    )
    for (const reader of readers) cleanup.defer(() => reader.stop())
    await Promise.all(readers.map((reader) => reader.ready()))
  })

  after(() => cleanup.disposeAsync())

  const keys = (...args: string[]) => installation.command('keys', args)

  async function statuses(key: string): Promise<number[]> {
    return await Promise.all(
      readers.map(async ({ url }) => {
        const answer = await fetch(`${url}/api/settings/compute/provider?node_id=n`, {
          headers: { authorization: `Bearer ${key}` },
        })
        await answer.arrayBuffer()
        return answer.status
      }),
    )
  }

  async function answers(key: string, status: number): Promise<void> {
    await until(
      `${status} from both readers`,
      COUNTS_WITHIN_MS,
      async () => (await statuses(key)).every((one) => one === status),
      async () => JSON.stringify(await statuses(key)),
    )
  }

  async function make(...more: string[]): Promise<{ keyId: string; text: string }> {
    const { exitCode, output } = await keys(
      'create',
      '--client',
      'ana',
      '--scopes',
      'usage:read',
      '--nodes',
      'n',
      ...more,
    )
    assert.equal(exitCode, 0, output)
    const text = output.trim().split('\n').at(-1) ?? ''
    return { text, keyId: text.slice(3, 19) }
  }

  it('count on every reader when they are made, and no longer when they are revoked', async () => {
    const { text, keyId } = await make()
    // Nobody has named the node: 404 is what a right credential is told.
    await answers(text, 404)
    const revoked = await keys('revoke', keyId)
    assert.match(revoked.output, new RegExp(`^key ${keyId} of ana is revoked`))
    await answers(text, 401)
  })

  it('are two of a client at most, and say so', async () => {
    const first = await make()
    await make('--expires-days', '1')
    const third = await keys('create', '--client', 'ana', '--scopes', 'usage:read', '--nodes', 'n')
    assert.deepEqual([third.exitCode, third.output.includes(first.keyId)], [1, true], third.output)
    const { output } = await keys('list')
    const states = output
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[1])
    assert.deepEqual(states, ['revoked', 'active', 'active'])
    assert.doesNotMatch(output, new RegExp(first.text.slice(20)))
  })

  it('are not made for what makes no sense: exit 2 with the way to ask', async () => {
    for (const args of [
      [],
      ['make'],
      ['create'],
      ['create', '--client', 'c', '--scopes', 'everything', '--nodes', 'n'],
      ['create', '--client', 'c', '--scopes', 'usage:read'],
      ['create', '--client', 'c', '--scopes', 'usage:read', '--nodes', 'a b'],
      ['create', '--client', 'c', '--scopes', 'usage:read', '--nodes', 'n', '--expires-days', '3651'],
      ['create', '--client', 'c', '--scopes', 'usage:read', '--nodes', 'n', 'more'],
      ['revoke'],
    ]) {
      const { exitCode, output } = await keys(...args)
      assert.equal(exitCode, 2, args.join(' '))
      assert.match(output, /Usage: npm run keys/)
    }
    assert.equal((await keys('revoke', 'ffffffffffffffff')).exitCode, 1)
  })
})

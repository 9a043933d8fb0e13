import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '../../../pipelines/clock.ts'
import { keepPresent } from './presence.ts'

const NODES = [
  { nodeId: 'with', tier: 'regional', operatorId: 'sample-operator', weight: 1 },
  { nodeId: 'without', tier: 'flat', operatorId: undefined, weight: 1 },
] as const

test('an admin lets the nodes of the sample join for their operators, so that their keys may read the wallets', async () => {
  const joins: { key: string | undefined; body: Record<string, unknown> }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    request.on('end', () => {
      if (request.url?.endsWith('/join') === true)
        joins.push({ key: request.headers.authorization, body: JSON.parse(text) as Record<string, unknown> })
      response.writeHead(200).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const end = new AbortController()
  await keepPresent({
    gatewayUrl: url,
    readerUrl: url,
    headers: { authorization: 'sample' },
    adminHeaders: { authorization: 'admin' },
    nodes: NODES,
    startMs: 0,
    clock: { ...systemClock, delay: async () => end.abort() },
    signal: end.signal,
  })
  server.close()
  assert.deepEqual(
    joins.map(({ key, body }) => [key, body['node_id'], body['operator_id']]),
    [
      ['admin', 'with', 'sample-operator'],
      ['admin', 'without', undefined],
    ],
  )
})

import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { systemClock } from '../../../pipelines/clock.ts'
import { KeyRing } from '../../../services/access/key-ring.ts'
import { setUp } from '../../../services/gateway/app-fixture.ts'
import { accessBy, addKey } from '../records/access-keys.ts'
import type { Client, ForeignRequest } from './foreign-clients.ts'
import { startWholeReader } from '../memory/whole-reader.ts'

/** Servers that refuse before the body has come, and what a client of each must get. */

const MIB = 1_048_576

/** After an answer the first 16 MiB of the body are still read. */
export interface EarlyAnswers extends AsyncDisposable {
  /** Fails unless the client gets what it must get in each case. */
  isTold(client: Client, headers?: Readonly<Record<string, string>>): Promise<void>
}

/** Gateway and reader on ports of their own. */
export async function startEarlyAnswers(): Promise<EarlyAnswers> {
  await using undo = new AsyncDisposableStack()
  const keys = new KeyRing()
  const access = accessBy(keys)
  const { app: gateway } = await setUp({ access, requestClock: systemClock })
  undo.defer(() => gateway.close())
  const { app: reader } = undo.use(await startWholeReader({ access }))
  const urls = { gateway: await listening(gateway), reader: await listening(reader) }
  const bearer = `Bearer ${addKey(keys, { scopes: ['admin'], nodes: ['*'] })}`
  const owned = undo.move()
  return {
    isTold: async (client, headers = {}) => {
      const sent = cases(urls, bearer).map(({ request, expected }) => ({
        request: { ...request, headers: { ...request.headers, ...headers } },
        expected,
      }))
      const answers = await client(sent.map(({ request }) => request))
      assert.deepEqual(
        answers.map(({ status, code }) => `${status} ${code}`),
        sent.map((one) => one.expected),
      )
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function listening(app: Pick<FastifyInstance, 'listen' | 'server'>): Promise<string> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

interface Case {
  readonly request: ForeignRequest
  readonly expected: string
}

function cases(urls: { readonly gateway: string; readonly reader: string }, authorization: string): Case[] {
  const json = { 'content-type': 'application/json' }
  const known = { ...json, authorization }
  const csv = { 'content-type': 'text/csv', authorization }
  const events = `${urls.gateway}/v1/events`
  const settings = `${urls.reader}/api/settings/compute?node_id=n`
  const sent = (url: string, headers: Record<string, string>, bytes: number, expected: string): Case => ({
    request: { method: url === settings ? 'PUT' : 'POST', url, headers, bytes },
    expected,
  })
  return [
    sent(events, known, 9 * MIB, '413 body_too_large'),
    sent(events, known, 15 * MIB, '413 body_too_large'),
    sent(`${urls.gateway}/v1/heartbeats`, known, 4 * MIB, '413 body_too_large'),
    sent(settings, known, 8 * MIB, '413 body_too_large'),
    sent(events, json, 7 * MIB, '401 unauthorized'),
    sent(settings, json, 15 * MIB, '401 unauthorized'),
    sent(events, csv, 7 * MIB, '415 unsupported_media_type'),
    sent(settings, csv, 7 * MIB, '415 unsupported_media_type'),
    sent(`${urls.gateway}/nowhere`, known, 7 * MIB, '404 not_found'),
    sent(`${urls.reader}/healthz`, known, 7 * MIB, '405 method_not_allowed'),
  ]
}

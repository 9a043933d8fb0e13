import { connect } from 'node:tls'
import type { Refusal } from '../tls-refusal.ts'
import type { ClickhouseClient } from './client.ts'
import { ClickhouseAway } from './errors.ts'

const ANSWER_TIMEOUT_MS = 3_000

/**
 * Sends one statement for nothing but the reason why ClickHouse does not accept this client. Undefined where it does, and
 * where it cannot be reached, which may change in a moment. Never rejects.
 */
export async function checkAccess(client: ClickhouseClient, url: string): Promise<Refusal | undefined> {
  try {
    await client.command('SELECT 1')
    return undefined
  } catch (error) {
    if (!(error instanceof ClickhouseAway)) return undefined
    const { protocol, hostname, port } = new URL(url)
    if (error.refusal !== undefined || protocol === 'https:') return error.refusal
    return (await speaksTls(hostname, Number(port || 80)))
      ? { what: 'its port speaks TLS only', remedy: 'Set HIVEMETER_CLICKHOUSE_URL to https://.' }
      : undefined
  }
}

/** Whether the port completes a TLS handshake, whatever its certificate is: nothing is sent over it. */
function speaksTls(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: ANSWER_TIMEOUT_MS })
    const end = (speaks: boolean) => {
      socket.destroy()
      resolve(speaks)
    }
    socket.once('secureConnect', () => end(true))
    for (const event of ['error', 'timeout', 'close']) socket.once(event, () => end(false))
  })
}

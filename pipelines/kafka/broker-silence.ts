/**
 * The brokers that did not answer their last request, by address ("host:port"). There is one set for all clients of the
 * process, so that what one of them has waited for in vain, no other has to wait for again.
 */
const silent = new Set<string>()

export function markSilent(address: string): void {
  silent.add(address)
}

export function markAnswered(address: string): void {
  silent.delete(address)
}

/** True: send the request to another broker first, if another can answer. */
export function isSilent(address: string): boolean {
  return silent.has(address)
}

/** Where a broker listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** kafkajs' names for errors of requests that a broker may never have received, or never answered. */
const UNANSWERED = new Set([
  'KafkaJSRequestTimeoutError',
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
])

/** Undefined where the broker has answered; otherwise its address, if the error contains it. */
export function unanswered(error: unknown): { readonly address: Address | undefined } | undefined {
  const cause = innermost(error)
  if (!(cause instanceof Error) || !UNANSWERED.has(cause.name)) return undefined
  const {
    broker: name,
    host,
    port,
  } = cause as Error & {
    readonly broker?: string
    readonly host?: string
    readonly port?: number
  }
  if (host !== undefined && port !== undefined) return { address: { host, port } }
  const at = name?.lastIndexOf(':') ?? -1
  if (name === undefined || at < 0) return { address: undefined }
  return { address: { host: name.slice(0, at), port: Number(name.slice(at + 1)) } }
}

/** The original error: kafkajs wraps it at each level of its retries. */
export function innermost(error: unknown): unknown {
  let cause = error
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  return cause
}

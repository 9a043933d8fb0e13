import { variableOf } from '../runtime/config-schema.ts'
import type { ConfigKey } from '../runtime/config-schema.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'

/** The message and the exit code when a port is taken: the same words in the services and before a start. */
export function portTaken(host: string, port: number, key: ConfigKey, cause?: Error): ExitError {
  return new ExitError(
    EXIT.failure,
    `Port ${port} on ${host} is taken by another process. Stop it, or set ${variableOf(key)} to a free port.`,
    { cause },
  )
}

interface Listens {
  listen(options: { host: string; port: number }): Promise<string>
}

/** Listens, or fails with a message that names the port and its setting when another process has it. */
export async function listen(
  app: Listens,
  options: { readonly host: string; readonly port: number; readonly key: ConfigKey },
): Promise<void> {
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw portTaken(options.host, options.port, options.key, error)
  }
}

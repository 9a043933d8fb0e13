import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import type { Logger } from '../../pipelines/logger.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** The fields of a log line in which credentials of a request may occur, whichever code writes the line. */
const SECRETS = ['', '*.', '*.*.', '*.*.*.'].flatMap((above) =>
  ['authorization', 'cookie', 'password', 'clickhousePassword'].map((field) => `${above}${field}`),
)

/** Lines for a person on a terminal; pino-pretty is a development dependency and may be absent. */
async function prettyStream(): Promise<DestinationStream | undefined> {
  try {
    const { default: pretty } = await import('pino-pretty')
    return pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' })
  } catch {
    return undefined
  }
}

/** pino to standard output: one JSON object a line, or readable lines where standard output is a terminal. */
export async function createLogger(service: string, level: LogLevel): Promise<Logger> {
  const destination = process.stdout.isTTY ? await prettyStream() : undefined
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRETS, censor: '[not logged]' },
    formatters: { level: (label: string) => ({ level: label }) },
  }
  // Synchronous, so that the last line before an exit is not lost.
  const logger: Logger = pino(options, destination ?? pino.destination({ fd: 1, sync: true }))
  return logger
}

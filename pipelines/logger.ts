/** The port through which the pipelines write to the operator's log; in the services pino implements it. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A logger that adds `fields` (topic, partition, offset …) to every line. */
  child(fields: object): Logger
}

/** Logs nothing: for one-shot tools and tests whose result is not their log. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
}

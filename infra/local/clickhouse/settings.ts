import { ClickhouseError } from './errors.ts'
import { isAllowedSetting } from './judge-text.ts'

/** Parameters of the HTTP interface itself; all others in a query string are settings of the engine. */
const INTERFACE_PARAMETERS = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'session_id',
  'session_timeout',
  'session_check',
  'close_session',
  'user',
  'password',
  'quota_key', // This engine has no quotas: accepted and without effect.
  'role', // Refused where it names one.
  'compress',
  'decompress',
  'network_compression_method', // How the data is packed that `compress` requests.
  'network_zstd_compression_level',
  'wait_end_of_query',
  'buffer_size',
  'stacktrace',
  'enable_http_compression',
  'send_progress_in_http_headers',
  'cancel_http_readonly_queries_on_client_close',
  'client_protocol_version',
  'log_comment', // Carries the query id here, for KILL QUERY; a server would only write it to query_log.
])

/** A string literal of the engine. */
export function quoteString(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`
}

/** A quoted name of the engine. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``
}

/**
 * The settings and query parameters of a request, by name.
 * Values of `param_x` are escaped as in TSV by the client; the engine undoes that itself.
 * @throws ClickhouseError 115 or 36 for a name that could break out of the SET statement or that is not allowed.
 */
export function requestSettings(query: URLSearchParams): Map<string, string> {
  const settings = new Map<string, string>()
  for (const [name, value] of query) {
    if (INTERFACE_PARAMETERS.has(name) || name.startsWith('http_')) continue
    if (!/^\w+$/.test(name)) {
      throw name.startsWith('param_')
        ? new ClickhouseError(36, 'BAD_ARGUMENTS', `Bad name of a query parameter: ${name}.`)
        : new ClickhouseError(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'.`)
    }
    if (!isAllowedSetting(name)) {
      throw new ClickhouseError(
        115,
        'UNKNOWN_SETTING',
        `The setting '${name}' is unknown, or not one that a request may give the local ClickHouse.`,
      )
    }
    settings.set(name, value)
  }
  return settings
}

/** The statements that put a connection into the state that the request needs. */
export function prepareConnection(settings: ReadonlyMap<string, string>, database: string | null): string {
  const assignments = [...settings].map(([name, value]) => `${name} = ${quoteString(value)}`)
  const use = database ? `; USE ${quoteName(database)}` : ''
  return `SET ${assignments.join(', ')}${use}`
}

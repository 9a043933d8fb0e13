import { ClickhouseError } from './errors.ts'
import type { Engine } from './engine.ts'
import type { Connection } from './native.ts'
import { quoteName, quoteString } from './settings.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

const SESSIONS_MAX = 64
const TIMEOUT_DEFAULT_SECONDS = 60
const TIMEOUT_MAX_SECONDS = 3_600

interface Session {
  readonly connection: Connection
  busy: boolean
  expiry: NodeJS.Timeout | undefined
}

/** A request's hold on a session; no other request has it until `release`. */
export interface SessionHold {
  readonly connection: Connection
  release(): void
}

/** HTTP sessions: one engine connection each, which keeps temporary tables between requests. */
export class Sessions {
  readonly #engine: Engine
  readonly #byId = new Map<string, Session>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * Takes a session, which is made unless `session_check=1`.
   * @throws ClickhouseError as a server does: 373 while another request has it, 372 if it should exist and does not.
   */
  hold(id: string, query: URLSearchParams): SessionHold {
    const session = this.#byId.get(id) ?? this.#create(id, query.get('session_check') === '1')
    if (session.busy)
      throw new ClickhouseError(373, 'SESSION_IS_LOCKED', `Session ${id} is locked by a concurrent client.`)
    session.busy = true
    clearTimeout(session.expiry)
    const requestedSeconds = Number(query.get('session_timeout') ?? TIMEOUT_DEFAULT_SECONDS)
    const seconds = Number.isFinite(requestedSeconds)
      ? Math.min(Math.max(requestedSeconds, 0), TIMEOUT_MAX_SECONDS)
      : TIMEOUT_DEFAULT_SECONDS
    const release = (): void => {
      session.busy = false
      session.expiry = setTimeout(() => this.#end(id, session), seconds * SECOND_MS).unref()
    }
    return { connection: session.connection, release }
  }

  /** Ends all sessions; no request may hold one. */
  close(): void {
    for (const [id, session] of this.#byId) {
      clearTimeout(session.expiry)
      this.#end(id, session)
    }
  }

  #create(id: string, mustExist: boolean): Session {
    if (mustExist) throw new ClickhouseError(372, 'SESSION_NOT_FOUND', `Session ${id} not found.`)
    if (this.#byId.size >= SESSIONS_MAX) {
      throw new ClickhouseError(
        202,
        'TOO_MANY_SIMULTANEOUS_QUERIES',
        `More than ${SESSIONS_MAX} sessions at once.`,
      )
    }
    const session: Session = { connection: this.#engine.connect(), busy: false, expiry: undefined }
    this.#byId.set(id, session)
    return session
  }

  #end(id: string, session: Session): void {
    this.#byId.delete(id)
    this.#engine.disconnect(session.connection)
  }
}

/**
 * Notes what a request is about to change on a session's connection, so that its query string affects this request only.
 * Query parameters stay: the engine has no way to unset one.
 * @returns the statements that undo it.
 */
export async function noteSessionState(
  engine: Engine,
  connection: Connection,
  names: Iterable<string>,
  database: string | null,
): Promise<string> {
  const list = [...names].map(quoteString).join(', ')
  const sql = `SELECT currentDatabase() AS database, groupArray((name, value, changed)) AS settings
    FROM system.settings WHERE name IN (${list})`
  const { bytes } = await engine.addon.QueryAsyncConnection(connection, sql, 'JSONCompactEachRow')
  const [before, settings] = JSON.parse(Buffer.from(bytes).toString()) as [string, [string, string, number][]]
  const undo = settings.map(
    ([name, value, changed]) => `${name} = ${changed ? quoteString(value) : 'DEFAULT'}`,
  )
  const use = database ? `; USE ${quoteName(before)}` : ''
  return undo.length > 0 ? `SET ${undo.join(', ')}${use}` : use.slice(2)
}

import type { Random } from '../../../../pipelines/random.ts'
import type { Machine } from '../../config/agent-config.ts'
import type { NeedsLogin, SessionKind } from '../../machines/plans.ts'
import type { ReadOutcome } from '../read-outcome.ts'
import { DigestLogin } from './digest.ts'
import { httpExchange } from './http-exchange.ts'
import type { HttpEnd, HttpRequest } from './http-exchange.ts'
import { SESSIONS } from './session.ts'
import type { SessionHeaders } from './session.ts'

export type HttpQuestion = Pick<HttpRequest, 'port' | 'method' | 'path' | 'signal'> & {
  readonly needsLogin: NeedsLogin
}

const UNAUTHORISED: ReadonlySet<number> = new Set([401, 403])

/**
 * The web server of one machine: it keeps what the machine gave at the last login, so that not every request logs in anew. A
 * machine whose login is not in the file is asked without one.
 */
export class HttpMachine {
  readonly #machine: Pick<Machine, 'host' | 'login'>
  readonly #digest: DigestLogin | null
  #session: SessionHeaders = null

  constructor(machine: Pick<Machine, 'host' | 'login'>, random: Random) {
    this.#machine = machine
    this.#digest = machine.login === null ? null : new DigestLogin(machine.login, random)
  }

  async ask({ needsLogin, ...question }: HttpQuestion): Promise<ReadOutcome> {
    const request = { ...question, host: this.#machine.host }
    if (needsLogin === 'none' || this.#machine.login === null) return outcomeOf(await httpExchange(request))
    return needsLogin === 'digest'
      ? await this.#withDigest(request)
      : await this.#withSession(request, needsLogin)
  }

  async #withDigest(request: HttpRequest): Promise<ReadOutcome> {
    const send = async (): Promise<HttpEnd> => {
      const authorization = this.#digest?.headerFor(request.method, request.path) ?? null
      return await httpExchange(authorization === null ? request : { ...request, headers: { authorization } })
    }
    const first = await send()
    if (first.kind !== 'http' || !UNAUTHORISED.has(first.status)) return outcomeOf(first)
    if (this.#digest?.take(first.challenge) !== true) return { kind: 'auth_failed' }
    return outcomeOf(await send())
  }

  async #withSession(request: HttpRequest, kind: SessionKind): Promise<ReadOutcome> {
    if (this.#session !== null) {
      const kept = await httpExchange({ ...request, headers: this.#session })
      if (kept.kind !== 'http' || !UNAUTHORISED.has(kept.status)) return outcomeOf(kept)
    }
    const opened = await this.#open(request, kind)
    if (opened !== null) return opened
    return outcomeOf(await httpExchange({ ...request, headers: this.#session ?? {} }))
  }

  /** Null where the session is open. */
  async #open({ host, port, signal }: HttpRequest, kind: SessionKind): Promise<ReadOutcome | null> {
    const { login } = this.#machine
    if (login === null) return { kind: 'auth_failed' }
    const form = SESSIONS[kind]
    const answer = await httpExchange({ ...form.ask(login), host, port, signal })
    if (answer.kind !== 'http') return { kind: answer.kind }
    this.#session = answer.status < 300 ? form.headersIn(answer) : null
    return this.#session === null ? { kind: 'auth_failed' } : null
  }
}

function outcomeOf(end: HttpEnd): ReadOutcome {
  if (end.kind !== 'http') return { kind: end.kind }
  if (UNAUTHORISED.has(end.status)) return { kind: 'auth_failed' }
  return end.status >= 200 && end.status < 300 ? { kind: 'answer', text: end.text } : { kind: 'unreadable' }
}

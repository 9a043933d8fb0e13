import type { Clock } from '../../../../pipelines/clock.ts'
import type { JsonObject } from '../../../../pipelines/json/json-object.ts'
import { serveCgminer, serveFramed } from './command-server.ts'
import type { Fault } from './faults.ts'
import type { Listening } from './listening.ts'
import type { SimulatedMachine } from './simulated-machine.ts'
import { serveWeb } from './web-server.ts'
import type { WebLogin } from './web-server.ts'

/** What a machine's web server asks for; the ports of commands ask for nothing. */
export const SAMPLE_LOGIN: WebLogin = { user: 'root', password: 'sample-root' }

/** A simulated machine on its own ports, and its entry in a node's file. */
export interface ServedMachine {
  readonly address: string
  readonly entry: object
  /** Another machine answers at the address from now on. */
  readonly replace: (machine: SimulatedMachine) => void
  readonly setFault: (fault: Fault) => Promise<void>
  readonly stop: () => Promise<void>
}

export interface ServeOptions {
  readonly machine: SimulatedMachine
  readonly clock: Clock
  readonly host?: string
}

/** Lets a machine answer over real sockets, in the protocols of its kind. */
export async function serveMachine({
  machine,
  clock,
  host = '127.0.0.1',
}: ServeOptions): Promise<ServedMachine> {
  let present = machine
  const answerOf = (...names: readonly string[]): unknown => {
    const answers = new Map(present.answersAt(clock.nowMs()))
    return names.map((name) => answers.get(name)).find((body) => body !== undefined) ?? null
  }
  const at = { host, port: 0, clock }
  const ports = await portsOf(machine, at, answerOf)
  const [main] = Object.values(ports)
  const named = Object.fromEntries(Object.entries(ports).map(([via, { port }]) => [via, port]))
  const address = `${host}:${main?.port ?? 0}`
  const { adapter, context } = machine
  const all = Object.values(ports)
  return {
    address,
    entry: {
      address,
      ports: named,
      adapter,
      context,
      ...(machine.kind.startsWith('bitmain') ? { login: SAMPLE_LOGIN } : {}),
    },
    replace: (next) => {
      present = next
    },
    setFault: async (fault) => void (await Promise.all(all.map((one) => one.setFault(fault)))),
    stop: async () => void (await Promise.all(all.map((one) => one.stop()))),
  }
}

type AnswerOf = (...names: readonly string[]) => unknown

/** The ports of a kind by what is spoken there, the main one first. */
async function portsOf(
  { kind }: SimulatedMachine,
  at: { readonly host: string; readonly port: number; readonly clock: Clock },
  answerOf: AnswerOf,
): Promise<Readonly<Record<string, Listening>>> {
  const web = async (login: WebLogin | null): Promise<Listening> =>
    await serveWeb({ ...at, login, answerTo: (path) => answerOf(path, path.replace('/cgi-bin/', '')) })
  switch (kind) {
    case 'whatsminer': {
      const answerTo = ({ cmd, param }: JsonObject): unknown =>
        answerOf(typeof param === 'string' ? `${String(cmd)} ${param}` : String(cmd))
      return { framed: await serveFramed({ ...at, answerTo }) }
    }
    case 'espminer':
      return { http: await web(null) }
    default: {
      const answerTo = ({ command, new_api: isNew }: JsonObject): unknown => {
        const name = String(command)
        return isNew === true ? answerOf(`${name} new_api`, `${name}.cgi`, name) : answerOf(name)
      }
      const cgminer = await serveCgminer({ ...at, answerTo }, { hasNuls: kind === 'bitmain-old' })
      return { cgminer, http: await web(SAMPLE_LOGIN) }
    }
  }
}

import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'

const COMMAND_TIMEOUT_MS = 10_000
const HOLDER_STARTS_MS = 5_000

/** Attempts to find addresses that are not used on this machine. */
const TRIES_MAX = 20
const CLIENT = 99
const FIRST_BROKER = 11
const BRIDGE = 'br0'
const UPLINK = 'up0'

/** The ends of a link: a broker by its index, or everything outside. */
export type LinkEnd = number | 'clients'

/** Names a network namespace by a process in it, and ends with it. */
interface Holder {
  readonly process: ChildProcess
  /** The command through which a process runs in this namespace. */
  readonly command: readonly string[]
}

/**
 * A small network for the run: each broker in a namespace of its own, all of them connected to a bridge in one more, and
 * one link from there to the namespace of the run itself. A namespace lives as long as the process that holds it, and
 * that process ends with this one, however it dies: nothing is left behind, and nothing outside is changed except that
 * one link.
 */
export class BrokerNetwork {
  /** Addresses of the brokers, nine characters each: in a proxy they replace 127.0.0.1. */
  readonly hosts: readonly string[]
  readonly #client: string
  readonly #link: string
  readonly #bridge: Holder
  readonly #brokers: readonly Holder[]

  private constructor({ net, link }: Outside, bridge: Holder, brokers: readonly Holder[]) {
    this.#link = link
    this.hosts = brokers.map((_, index) => `${net}.${FIRST_BROKER + index}`)
    this.#client = `${net}.${CLIENT}`
    this.#bridge = bridge
    this.#brokers = brokers
  }

  /** The reason why no network can be made here; undefined where one can. */
  static async whyImpossible(): Promise<string | undefined> {
    const opened = await BrokerNetwork.open(1)
    if (typeof opened === 'string') return opened
    await opened.close()
    return undefined
  }

  /** Makes the network; returns a string with the reason where it cannot be made here. */
  static async open(brokers: number): Promise<BrokerNetwork | string> {
    const missing = process.getuid?.() === 0 ? await missingTool() : 'network namespaces need root'
    if (missing !== undefined) return missing
    const holders: Holder[] = []
    try {
      while (holders.length <= brokers) holders.push(await hold())
      const [bridge, ...others] = holders
      if (bridge === undefined) throw new Error('no namespace')
      const network = new BrokerNetwork(await connectBridge(bridge), bridge, others)
      for (const [index, holder] of others.entries()) await network.#attach(index, holder)
      return network
    } catch (error) {
      for (const { process: holder } of holders) holder.kill('SIGKILL')
      return `network namespaces cannot be made here: ${error instanceof Error ? error.message.trim() : String(error)}`
    }
  }

  /** The command through which the broker's process is run. */
  commandOf(broker: number): readonly string[] {
    return this.#brokers[broker]?.command ?? []
  }

  /** Drops all packets from one end to the other without an answer; with `port` only those to that port. */
  async cut(from: LinkEnd, to: LinkEnd, port?: number): Promise<void> {
    const ports = port === undefined ? [] : ['-p', 'tcp', '--dport', String(port)]
    // The rule is set at a broker in any case: nothing outside this network is touched.
    if (to === 'clients')
      return this.#rule(from, ['-A', 'OUTPUT', '-d', this.#client, ...ports, '-j', 'DROP'])
    const source = from === 'clients' ? this.#client : (this.hosts[from] ?? '')
    await this.#rule(to, ['-A', 'INPUT', '-s', source, ...ports, '-j', 'DROP'])
  }

  /** Repairs all links. */
  async heal(): Promise<void> {
    for (const index of this.#brokers.keys()) await this.#rule(index, ['-F'])
  }

  /** Removes the link and the namespaces. Brokers must have ended. */
  async close(): Promise<void> {
    await run(['ip', 'link', 'delete', this.#link])
    for (const { process: holder } of [...this.#brokers, this.#bridge]) {
      holder.kill('SIGKILL')
      if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit')
    }
  }

  async #rule(at: LinkEnd, args: readonly string[]): Promise<void> {
    if (at === 'clients') throw new Error('a link between clients is none of this network')
    await run([...this.commandOf(at), 'iptables', '-w', ...args])
  }

  async #attach(index: number, holder: Holder): Promise<void> {
    const link = `b${index}`
    const pid = String(holder.process.pid)
    const inBridge = this.#bridge.command
    await run([...inBridge, ...`ip link add ${link} type veth peer name eth0 netns ${pid}`.split(' ')])
    await run([...inBridge, ...`ip link set ${link} master ${BRIDGE} up`.split(' ')])
    await run([...holder.command, ...'ip link set lo up'.split(' ')])
    await run([...holder.command, ...`ip addr add ${this.hosts[index]}/24 dev eth0`.split(' ')])
    await run([...holder.command, ...'ip link set eth0 up'.split(' ')])
  }
}

/** The end of the network in the namespace of the run. */
interface Outside {
  /** The first three numbers of the network's addresses. */
  readonly net: string
  readonly link: string
}

/** The bridge, and its link to the outside. */
async function connectBridge(bridge: Holder): Promise<Outside> {
  await run([...bridge.command, ...`ip link add ${BRIDGE} type bridge`.split(' ')])
  await run([...bridge.command, ...`ip link set ${BRIDGE} up`.split(' ')])
  const pid = bridge.process.pid ?? 0
  for (let attempt = 0; ; attempt++) {
    const number = (pid + attempt * 7) % 90
    const [second, third] = [1 + Math.floor(number / 10), number % 10]
    const net = `10.${second}.${third}`
    const link = `hivemeter-${second}${third}`
    const used = await run(['ip', '-4', 'route', 'show', 'table', 'all'])
    try {
      // The run that made the link owns the addresses: the name of the link is theirs.
      if (used.includes(`${net}.`)) throw new Error(`${net}.0 is in use`)
      await run(`ip link add ${link} type veth peer name ${UPLINK} netns ${pid}`.split(' '))
    } catch (error) {
      if (attempt + 1 < TRIES_MAX) continue
      throw error
    }
    await run([...bridge.command, ...`ip link set ${UPLINK} master ${BRIDGE} up`.split(' ')])
    await run(`ip addr add ${net}.${CLIENT}/24 dev ${link}`.split(' '))
    await run(`ip link set ${link} up`.split(' '))
    return { net, link }
  }
}

/** A process in a network namespace of its own, which ends when this one does: nothing else holds its standard input. */
async function hold(): Promise<Holder> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  holder.stdin.on('error', () => {})
  const messages: string[] = []
  holder.stderr.on('data', (data: Buffer) => messages.push(data.toString()))
  await Promise.race([
    once(holder.stdout, 'data', { signal: AbortSignal.timeout(HOLDER_STARTS_MS) }),
    once(holder, 'exit').then(() => {
      throw new Error(messages.join('') || 'unshare ended')
    }),
  ])
  return { process: holder, command: ['nsenter', `--net=/proc/${holder.pid}/ns/net`] }
}

/** The first tool that is not installed, in words; undefined where all are. */
export async function missingTool(): Promise<string | undefined> {
  for (const [tool, packageName] of [
    ['unshare', 'util-linux'],
    ['nsenter', 'util-linux'],
    ['ip', 'iproute2'],
    ['iptables', 'iptables'],
  ] as const) {
    try {
      await run([tool, '-V'])
    } catch {
      return `network namespaces need ${tool} (Debian's package ${packageName})`
    }
  }
  return undefined
}

async function run(words: readonly string[]): Promise<string> {
  const [command = '', ...args] = words
  const { stdout } = await promisify(execFile)(command, args, { timeout: COMMAND_TIMEOUT_MS })
  return stdout
}

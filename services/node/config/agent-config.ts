import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Value } from 'typebox/value'
import { readContext } from '../../../pipelines/fleet/poll.ts'
import type { MachineContext } from '../../../pipelines/fleet/poll.ts'
import type { FleetNodeName } from '../../../schemas/fleet/records.ts'
import { describeError, EXIT, ExitError } from '../../runtime/exit.ts'
import { PLANS } from '../machines/plans.ts'
import type { Ask } from '../machines/plans.ts'
import { AGENT_CONFIG_SCHEMA, PORT_MAX } from './agent-config-schema.ts'
import type { AgentFile } from './agent-config-schema.ts'

/** How a machine lets the node in. */
export interface Login {
  readonly user: string
  readonly password: string
}

/** A machine that the node polls. */
export interface Machine {
  /** As the file has it: the name under which items, roster and log speak of the machine. */
  readonly address: string
  readonly host: string
  /** The port in the address, which stands for that of the first request; null: the usual one. */
  readonly port: number | null
  /** Ports by what is spoken there, where they are not the usual ones. */
  readonly ports: Readonly<Partial<Record<Ask['via'], number>>>
  readonly adapter: string
  readonly context: MachineContext
  /** The same as the file has it. */
  readonly givenContext: object
  readonly login: Login | null
}

/** What the node is told by its file. Paths are absolute: those of the file are relative to its folder. */
export interface AgentConfig {
  readonly gatewayUrl: string
  readonly stateFolder: string
  readonly token: string | null
  readonly keyFile: string | null
  /** Null: enrolment says it. */
  readonly node: FleetNodeName | null
  readonly nodeName: string | null
  readonly intervalS: number
  readonly keepRaw: string | null
  readonly machines: readonly Machine[]
  /** What works and is most likely not intended. */
  readonly warnings: readonly string[]
}

const INTERVAL_S_DEFAULT = 60
/** Faults that one message names; where there are more, it says so. */
const FAULTS_NAMED_MAX = 20
const OTHERS_MAY_READ = 0o077

/**
 * Reads the file of `--config`. Exit 2 where it cannot be read, 78 with one line for each fault where it does not fit; no
 * message shows a value of the file, which holds logins.
 */
export function loadAgentConfig(path: string): AgentConfig {
  const file = parsed(path)
  const faults = faultsOf(file)
  if (!Value.Check(AGENT_CONFIG_SCHEMA, file) || faults.length > 0) {
    throw new ExitError(EXIT.configuration, told(path, faults))
  }
  const at = (given: string | undefined): string | null =>
    given === undefined ? null : resolve(dirname(path), given)
  return {
    gatewayUrl: file.gatewayUrl.replace(/\/+$/, ''),
    stateFolder: resolve(dirname(path), file.stateFolder),
    token: file.token ?? null,
    keyFile: at(file.keyFile),
    node: file.node ?? null,
    nodeName: file.nodeName ?? null,
    intervalS: file.interval_s ?? INTERVAL_S_DEFAULT,
    keepRaw: at(file.keepRaw),
    machines: file.machines.map((machine) => machineOf(machine, file.locationTimezone)),
    warnings: warningsOf(path, file),
  }
}

function parsed(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new ExitError(EXIT.usage, `${path} cannot be read: ${describeError(error)}.`)
  }
  try {
    return JSON.parse(text) as unknown
  } catch {
    // The error of the parser shows a part of the text, so it is not passed on.
    throw new ExitError(EXIT.configuration, `${path} is not JSON. Give one JSON object: docs/fleet.md.`)
  }
}

/** One line for each fault, by its place. */
function faultsOf(file: unknown): string[] {
  if (!Value.Check(AGENT_CONFIG_SCHEMA, file)) {
    const errors = [...Value.Errors(AGENT_CONFIG_SCHEMA, file)]
    return [...new Set(errors.map(({ instancePath, message }) => `${instancePath || '/'} ${message}.`))]
  }
  const faults: string[] = []
  if (file.keyFile !== undefined && file.node === undefined) {
    faults.push('/node is missing: with a keyFile, name provider_id, location_id and node_id.')
  }
  if (!URL.canParse(file.gatewayUrl)) faults.push('/gatewayUrl is no address, as of https://meter.example.')
  if (file.locationTimezone !== undefined && !isZone(file.locationTimezone)) {
    faults.push('/locationTimezone is no IANA name of a zone, as Europe/Paris is.')
  }
  const seen = new Set<string>()
  for (const [index, { address, adapter }] of file.machines.entries()) {
    const known = [...PLANS.keys()].join(', ')
    if (!PLANS.has(adapter)) {
      faults.push(`/machines/${index}/adapter is none that a node can ask: ${known}.`)
    }
    const port = Number(/:(\d+)$/.exec(address)?.[1] ?? 1)
    if (port < 1 || port > PORT_MAX) faults.push(`/machines/${index}/address has a port that there is not.`)
    if (seen.has(address)) faults.push(`/machines/${index}/address stands twice.`)
    seen.add(address)
  }
  return faults
}

function isZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function told(path: string, faults: readonly string[]): string {
  const shown = faults.slice(0, FAULTS_NAMED_MAX).map((fault) => `${path}: ${fault}`)
  const left = faults.length - shown.length
  return [...shown, ...(left > 0 ? [`${path}: and ${left} more.`] : [])].join('\n')
}

/** A machine of the file; `zone` is that of its location. */
export function machineOf(machine: AgentFile['machines'][number], zone: string | undefined): Machine {
  const { address, adapter, context = {}, login, ports = {} } = machine
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(address) ?? []
  const givenContext = { ...(zone === undefined ? {} : { location_timezone: zone }), ...context }
  return {
    address,
    host: bracketed ?? plain ?? address,
    port: port === undefined ? null : Number(port),
    ports,
    adapter,
    context: readContext(givenContext),
    givenContext,
    login: login === undefined ? null : { user: login.user ?? '', password: login.password },
  }
}

function warningsOf(path: string, file: AgentFile): string[] {
  const warnings: string[] = []
  const hasSecrets = file.token !== undefined || file.machines.some(({ login }) => login !== undefined)
  if (hasSecrets && (statSync(path).mode & OTHERS_MAY_READ) !== 0) {
    warnings.push(`${path} holds logins and may be read by others: chmod 600 it.`)
  }
  const { protocol, hostname } = new URL(file.gatewayUrl)
  if (protocol === 'http:' && !/^(localhost|127\..*|\[::1\])$/.test(hostname)) {
    warnings.push('gatewayUrl is http://, so whoever is on the way can read the key of this node.')
  }
  return warnings
}

import { isJsonObject } from '../../../pipelines/json/json-object.ts'

/** What a machine said of itself when it last did. */
export interface Fingerprint {
  readonly serial: string | null
  readonly mac: string | null
  readonly mac_arp: string | null
}

const UNKNOWN: Fingerprint = { serial: null, mac: null, mac_arp: null }

/**
 * Which machine stands at which address, by what they last said: a poll that fails is about that machine. It outlives the
 * process, so that a machine that answers no more keeps its name. A machine that turns up at another address has left the first.
 */
export class Roster {
  readonly #byAddress = new Map<string, Fingerprint>()
  readonly #addressOf = new Map<string, string>()
  #isChanged = false

  /** Addresses that are not polled any more are left out. */
  constructor(addresses: readonly string[], kept: string | null) {
    const known = readKept(kept)
    for (const address of addresses) {
      const fingerprint = known.get(address)
      if (fingerprint !== undefined) this.learn(address, fingerprint)
    }
    this.#isChanged = false
  }

  of(address: string): Fingerprint {
    return this.#byAddress.get(address) ?? UNKNOWN
  }

  /** The machine at an address said who it is. */
  learn(address: string, fingerprint: Fingerprint): void {
    const name = nameOf(fingerprint)
    if (name === null && fingerprint.mac_arp === null) return
    const before = this.#byAddress.get(address)
    const elsewhere = name === null ? undefined : this.#addressOf.get(name)
    if (elsewhere !== undefined && elsewhere !== address) this.#forget(elsewhere)
    if (before !== undefined && isSame(before, fingerprint)) return
    this.#forget(address)
    this.#byAddress.set(address, fingerprint)
    if (name !== null) this.#addressOf.set(name, address)
    this.#isChanged = true
  }

  /** The text to keep, if it has changed since the last call. */
  takeChange(): string | null {
    if (!this.#isChanged) return null
    this.#isChanged = false
    return JSON.stringify(Object.fromEntries(this.#byAddress))
  }

  #forget(address: string): void {
    const before = this.#byAddress.get(address)
    if (before === undefined) return
    this.#addressOf.delete(nameOf(before) ?? '')
    this.#byAddress.delete(address)
    this.#isChanged = true
  }
}

/** What the machine says of itself. The MAC that the network shows may be that of a router before many machines. */
function nameOf({ serial, mac }: Fingerprint): string | null {
  return serial ?? mac
}

function isSame(left: Fingerprint, right: Fingerprint): boolean {
  return left.serial === right.serial && left.mac === right.mac && left.mac_arp === right.mac_arp
}

/** A text that is none of ours says nothing: the machines say it again. */
function readKept(kept: string | null): Map<string, Fingerprint> {
  let parsed: unknown = null
  try {
    parsed = kept === null ? null : JSON.parse(kept)
  } catch {
    return new Map()
  }
  if (!isJsonObject(parsed)) return new Map()
  return new Map(
    Object.entries(parsed).flatMap(([address, value]) => {
      if (!isJsonObject(value)) return []
      const { serial, mac, mac_arp } = value
      const fingerprint = { serial: textOrNull(serial), mac: textOrNull(mac), mac_arp: textOrNull(mac_arp) }
      return [[address, fingerprint] as const]
    }),
  )
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

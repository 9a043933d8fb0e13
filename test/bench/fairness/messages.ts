/** Where the server of the fairness bench is, and the keys of its two clients. */
export interface ServerSpec {
  readonly gatewayUrl: string
  readonly readerUrl: string
  /** The key of the client that behaves. */
  readonly goodKey: string
  /** The key of the client that takes what it can, and its node. */
  readonly greedyKey: string
  readonly greedyNode: string
  /** The key of a client that does the same before the measurement: what a server does for the first time takes longest. */
  readonly earlyKey: string
  readonly earlyNode: string
  /** The key of the operator of all nodes. */
  readonly adminKey: string
}

/** The subject of the issue that reported each of them, one attack each. */
export const ATTACKS = [
  'silent bodies',
  'years in a zone',
  'a thousand writes',
  '90 history sockets',
  'heartbeat bodies',
  'gzip of long names',
  'open documents',
] as const
export type AttackName = (typeof ATTACKS)[number]

/** What the other process does beside the good client: an attack, or only burning as much CPU as that took. */
export type SideJob =
  | { readonly kind: 'attack'; readonly attack: AttackName; readonly server: ServerSpec }
  | { readonly kind: 'burn'; readonly share: number }

/** Sent when the process gets the signal to end: the CPU that it has used, and the answers that it got. */
export interface SideReport {
  readonly cpuSeconds: number
  readonly seconds: number
  /** Answers by status; 0 where a connection ended without one. */
  readonly answers: Readonly<Record<number, number>>
}

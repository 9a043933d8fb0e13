/** Where the server of the fairness bench is, and the keys of its two clients. */
export interface ServerSpec {
  readonly gatewayUrl: string
  readonly readerUrl: string
  /** Of the client that behaves. */
  readonly goodKey: string
  /** Of the one that takes what it can, and its node. */
  readonly greedyKey: string
  readonly greedyNode: string
  /** Of one that does the same before anything is measured: what a server does for the first time takes longest. */
  readonly earlyKey: string
  readonly earlyNode: string
  /** Of the operator of all nodes. */
  readonly adminKey: string
}

/** What the issue of each of them was, one attack each. */
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

/** What the other process does beside the good client: an attack, or nothing but burning as much CPU as it took. */
export type SideJob =
  | { readonly kind: 'attack'; readonly attack: AttackName; readonly server: ServerSpec }
  | { readonly kind: 'burn'; readonly share: number }

/** When it is told to end: the CPU that it has used, and what it was answered. */
export interface SideReport {
  readonly cpuSeconds: number
  readonly seconds: number
  /** Answers by status; 0 where a connection ended without one. */
  readonly answers: Readonly<Record<number, number>>
}

/**
 * Which brokers were silent when they were last asked something, by address ("host:port"). One set for all clients of the
 * process: what one of them has waited for, no other has to wait for again.
 */
const silent = new Set<string>()

export function markSilent(address: string): void {
  silent.add(address)
}

export function markAnswered(address: string): void {
  silent.delete(address)
}

/** True: ask another broker first, if another can answer. */
export function isSilent(address: string): boolean {
  return silent.has(address)
}

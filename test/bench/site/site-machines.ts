import type { MachineKind } from '../../../infra/local/fleet-sample/machines/simulated-machine.ts'

/** What stands on a site: a third each. A machine for the desk answers one request, and would make the figures smaller. */
export const SITE_KINDS: readonly MachineKind[] = ['bitmain-old', 'bitmain-new', 'whatsminer']

const PER_NET = 250

/** An address of this computer for each machine, as each machine of a site has one. */
export function hostOf(index: number): string {
  return `127.20.${Math.floor(index / PER_NET)}.${(index % PER_NET) + 1}`
}

import { SERVICE_NODE_FLAGS } from '../../../infra/local/services.ts'
import type { Stack } from '../../support/servers/stack.ts'

/** The servers of a benchmark's installation. */
export type BenchServers = Pick<Stack, 'brokers' | 'clickhouseUrl'>

/** The partitions of every installation of a benchmark: the default of the product. */
export const PARTITIONS = 4

/**
 * Settings that give a service the flags of the npm scripts, `more` of them and, with a folder, a CPU profile at its end.
 */
export function serviceSettings(profileDir?: string, more: readonly string[] = []): Record<string, string> {
  const profile = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]
  return { NODE_OPTIONS: [...SERVICE_NODE_FLAGS, ...more, ...profile].join(' ') }
}

import { spawnSync } from 'node:child_process'

/** Why a test cannot run here: the first of these commands that fails. Where nothing may be left out, it is run and fails by itself. */
export function toolMissing(
  commands: readonly (readonly [file: string, ...args: string[]])[],
): string | undefined {
  if (process.env['CI'] === 'true') return undefined
  const missing = commands.find(([file, ...args]) => spawnSync(file, args).status !== 0)
  return missing === undefined ? undefined : `${missing.join(' ')} does not work here`
}

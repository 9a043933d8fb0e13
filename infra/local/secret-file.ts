import { existsSync, renameSync, writeFileSync } from 'node:fs'
import type { Random } from '../../pipelines/random.ts'

const OWNER_ONLY = 0o600
const PASSWORD_BYTES = 24

/** Writes a file that only the owner may read, whole or not at all. */
export function writeSecret(file: string, text: string): void {
  const draft = `${file}.draft`
  writeFileSync(draft, text, { mode: OWNER_ONLY })
  renameSync(draft, file)
}

/** Makes a random secret unless the file is there. */
export function ensureSecret(file: string, random: Random): void {
  if (!existsSync(file)) writeSecret(file, `${random.bytes(PASSWORD_BYTES).toString('base64url')}\n`)
}

import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Random } from '../../pipelines/random.ts'
import { EXIT, ExitError } from '../exit.ts'

const KEY_BYTES = 32
const KEY_TEXT = /^[0-9a-f]{64}\n?$/

/** Only the owner may read it, and nobody change it: with another key every repeat would count as new. */
const KEY_MODE = 0o400

/**
 * Makes the key that event ids are hashed with, 32 random bytes as hex, where the file does not exist; true if it was
 * made. A file that is there is never touched, nor is its folder, which may be for reading only; one that holds no key is refused (exit 78).
 */
export function ensureIdKey(file: string, random: Random): boolean {
  if (existsSync(file)) {
    checkIdKey(file)
    return false
  }
  mkdirSync(dirname(file), { recursive: true })
  // Written whole beside it and then linked: whoever finds the name finds all of the key, also after a kill.
  const draft = `${file}.${random.bytes(6).toString('hex')}.draft`
  try {
    const descriptor = openSync(draft, 'wx', KEY_MODE)
    writeSync(descriptor, `${random.bytes(KEY_BYTES).toString('hex')}\n`)
    fsyncSync(descriptor)
    closeSync(descriptor)
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    checkIdKey(file)
    return false
  } finally {
    rmSync(draft, { force: true })
  }
}

function checkIdKey(file: string): void {
  if (KEY_TEXT.test(readFileSync(file, 'utf8'))) return
  throw new ExitError(
    EXIT.configuration,
    `The id key file ${file} does not hold 64 hex digits. Restore it from a backup; only where no event was ever counted, remove it and run this again.`,
  )
}

/** The installation's id key; exit 78 where the file is missing or holds none. */
export function readIdKey(file: string): Buffer {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ExitError(
      EXIT.configuration,
      `The id key file ${file} cannot be read. Run npm run migrate once, or put the installation's own file there.`,
      { cause: error },
    )
  }
  checkIdKey(file)
  return Buffer.from(text.trim(), 'hex')
}

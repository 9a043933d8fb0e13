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
import { EXIT, ExitError } from './exit.ts'

const KEY_BYTES = 32
const KEY_TEXT = /^[0-9a-f]{64}\n?$/

/** Only the owner may read the file, and nobody may change it. */
const KEY_MODE = 0o400

/** A key of the installation that is kept in a file: 32 random bytes as hex, made once by `npm run migrate`. */
export interface KeyKind {
  readonly name: string
  /** What to do where the file holds something else. */
  readonly remedy: string
}

/** Event ids are hashed with this key: with another one every repeat would count as new. */
export const ID_KEY: KeyKind = {
  name: 'id key',
  remedy: 'Restore it from a backup; only where no event was ever counted, remove it and run this again.',
}

/**
 * Cursors of lists are signed with this key, so that a cursor of one reader works at the next one: all readers have the
 * same key.
 */
export const CURSOR_KEY: KeyKind = {
  name: 'cursor key',
  remedy: 'Remove it and run npm run migrate: cursors that were given out are refused then.',
}

/**
 * Makes a key where its file does not exist; true if it was made. An existing file is never changed, nor is its folder,
 * which may be read-only; a file that holds no key is refused (exit 78).
 */
export function ensureKeyFile(kind: KeyKind, file: string, random: Random): boolean {
  if (existsSync(file)) {
    checkKey(kind, file)
    return false
  }
  mkdirSync(dirname(file), { recursive: true })
  // The key is written whole to another name beside it and then linked: a process that finds the name finds the whole
  // key, also after a kill.
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
    checkKey(kind, file)
    return false
  } finally {
    rmSync(draft, { force: true })
  }
}

function checkKey({ name, remedy }: KeyKind, file: string): void {
  if (KEY_TEXT.test(readFileSync(file, 'utf8'))) return
  throw new ExitError(EXIT.configuration, `The ${name} file ${file} does not hold 64 hex digits. ${remedy}`)
}

/** A key of the installation; exit 78 where its file is missing or holds none. */
export function readKeyFile(kind: KeyKind, file: string): Buffer {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ExitError(
      EXIT.configuration,
      `The ${kind.name} file ${file} cannot be read. Run npm run migrate once, or put the installation's own file there.`,
      { cause: error },
    )
  }
  checkKey(kind, file)
  return Buffer.from(text.trim(), 'hex')
}

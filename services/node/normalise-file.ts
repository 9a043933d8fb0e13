import { readFileSync } from 'node:fs'
import { normalise } from '../../pipelines/fleet/normalise.ts'
import { readPoll } from '../../pipelines/fleet/poll.ts'
import { ADAPTERS } from '../../pipelines/fleet/vendors/adapters.ts'
import { EXIT, ExitError, describeError } from '../runtime/exit.ts'

/**
 * What the adapters make of the answers in a file of the form of `test/fixtures/fleet`, as one JSON document. Exit 2 where
 * the file cannot be read, holds no such document, or names an adapter that does not exist; no error shows a text of it.
 */
export function normaliseFile(path: string): string {
  const poll = readPoll(parse(path, readText(path)))
  if ('problem' in poll) throw wrong(path, `holds no answers of a machine: ${poll.problem}`)
  const normalised = normalise(poll)
  if (normalised === 'unsupported') {
    throw wrong(
      path,
      `names an "adapter" that is unsupported: it is none of ${[...ADAPTERS.keys()].join(', ')}`,
    )
  }
  return JSON.stringify(normalised, null, 2)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ExitError(EXIT.usage, `${path} cannot be read: ${describeError(error)}.`)
  }
}

/** The error of the parser shows a part of the text, so it is not passed on. */
function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw wrong(path, 'is not JSON')
  }
}

function wrong(path: string, what: string): ExitError {
  return new ExitError(EXIT.usage, `${path} ${what}.`)
}

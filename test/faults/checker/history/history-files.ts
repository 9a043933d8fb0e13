import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { HistoryError } from './history.ts'

/**
 * Hands on every line of the files `<prefix>*.jsonl` of a folder, in the files' order. If `take` refuses a line, it ends
 * with a HistoryError that names file and line.
 */
export async function readLines(
  dir: string,
  prefix: string,
  take: (line: string, place: string) => void,
): Promise<number> {
  const names = (await readdir(dir))
    .filter((name) => name.startsWith(prefix) && name.endsWith('.jsonl'))
    .sort()
  for (const name of names) {
    let number = 0
    for await (const line of createInterface({
      input: createReadStream(join(dir, name)),
      crlfDelay: Infinity,
    })) {
      number += 1
      if (line === '') continue
      try {
        take(line, `${name}:${number}`)
      } catch (error) {
        if (!(error instanceof HistoryError)) throw error
        throw new HistoryError(`${name}:${number}: ${error.message}`, { cause: error })
      }
    }
  }
  return names.length
}

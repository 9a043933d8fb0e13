import { createInterface } from 'node:readline/promises'

/** Asks at the terminal; only a typed yes counts. Null where no terminal is attached. */
export function atTerminal(signal: AbortSignal): ((question: string) => Promise<boolean>) | null {
  const { stdin: input, stdout: output } = process
  if (!input.isTTY || !output.isTTY) return null
  return async (question) => {
    const lines = createInterface({ input, output })
    try {
      return /^y(es)?$/i.test((await lines.question(`${question} yes or no: `, { signal })).trim())
    } finally {
      lines.close()
    }
  }
}

import { ArgumentsError, USAGE, parseCheckerArguments } from './arguments.ts'
import { check } from './check.ts'
import { Problems } from './problems.ts'

/** The checker of the fault runs, a program of its own: it shares no code with the pipelines except `schemas/`. */

const EXIT = { ok: 0, failure: 1, usage: 2, differences: 6 } as const

async function run(args: readonly string[]): Promise<number> {
  const problems = new Problems()
  const summary = await check(parseCheckerArguments(args), problems)
  for (const line of problems.lines()) console.log(line)
  console.log(JSON.stringify(summary))
  return problems.isClean ? EXIT.ok : EXIT.differences
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  if (error instanceof ArgumentsError) {
    console.error(`${error.message}\n${USAGE}`)
    process.exitCode = EXIT.usage
  } else {
    console.error('The checker could not do its work:', error)
    process.exitCode = EXIT.failure
  }
}

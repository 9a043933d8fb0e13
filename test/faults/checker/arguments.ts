import { parseArgs } from 'node:util'

/** The arguments of the checker. */
export interface CheckerArguments {
  /** Folder of the clients' history. */
  readonly historyDir: string
  readonly brokers: readonly string[]
  readonly clickhouseUrl: string
  readonly database: string
  readonly topicPrefix: string
  readonly partitions: number
  /** The folders of every broker's logs; empty where they cannot be reached. */
  readonly logDirs: readonly string[]
}

export const USAGE = `Usage: node test/faults/checker/main.ts --history DIR --brokers HOST:PORT --clickhouse-url URL
       --database NAME --prefix TOPICPREFIX --partitions N [--log-dirs DIR,…]
Holds what the clients were told during a fault run against raw rows, windows, decisions, settlements, ledger, accounts
and logs. Runs when everything has drained; writes nothing. The last line is a summary in JSON.
Ends with 0, with 6 where anything is wrong, 2 for wrong arguments, 1 for a failure.`

/** Thrown for arguments that cannot be used; the message is for a person. */
export class ArgumentsError extends Error {}

const NAMES = [
  'history',
  'brokers',
  'clickhouse-url',
  'database',
  'prefix',
  'partitions',
  'log-dirs',
] as const

/** Reads the arguments of the command line. Throws an ArgumentsError. */
export function parseCheckerArguments(args: readonly string[]): CheckerArguments {
  const values = valuesOf(args)
  const given = (name: (typeof NAMES)[number]): string => {
    const value = values[name]
    if (value === undefined || (value === '' && name !== 'prefix'))
      throw new ArgumentsError(`--${name} is missing.`)
    return value
  }
  const partitions = given('partitions')
  if (!/^[1-9]\d{0,3}$/.test(partitions)) {
    throw new ArgumentsError(`--partitions takes a number from 1 to 9999, not "${partitions}".`)
  }
  const clickhouseUrl = given('clickhouse-url')
  if (!URL.canParse(clickhouseUrl))
    throw new ArgumentsError(`--clickhouse-url is no URL: "${clickhouseUrl}".`)
  return {
    historyDir: given('history'),
    brokers: given('brokers').split(','),
    clickhouseUrl,
    database: given('database'),
    topicPrefix: given('prefix'),
    partitions: Number(partitions),
    logDirs: values['log-dirs']?.split(',') ?? [],
  }
}

function valuesOf(args: readonly string[]): Readonly<Record<string, string | undefined>> {
  const options = Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }]))
  try {
    return parseArgs({ args: [...args], options, strict: true }).values
  } catch (error) {
    throw new ArgumentsError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

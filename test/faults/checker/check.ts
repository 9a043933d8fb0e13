import { topicNames } from '../../../schemas/topics.ts'
import { compareAccounts } from './tables/accounts.ts'
import { AnswerBounds } from './answers/answer-bounds.ts'
import { checkAnswerOrder } from './answers/answer-order.ts'
import { parseAnswer } from './answers/answers.ts'
import type { Answer } from './answers/answers.ts'
import type { CheckerArguments } from './arguments.ts'
import { checkLogs } from './logs/check-logs.ts'
import { checkReplicas } from './logs/check-replicas.ts'
import { checkTables } from './tables/check-tables.ts'
import { Commands, parseRequest } from './tables/commands.ts'
import type { RequestAttempt } from './tables/commands.ts'
import { History, HistoryError } from './history/history.ts'
import { readLines } from './history/history-files.ts'
import { parseAttempt } from './history/history-lines.ts'
import { Log } from './logs/log.ts'
import { totalsOf } from './tables/node-totals.ts'
import type { Problems } from './problems.ts'
import { Tables } from './tables/tables.ts'

/** The last line of the checker. */
export interface Summary {
  /** The number of identities by what the clients know about them. */
  readonly events: number
  readonly unknown: number
  readonly refused: number
  readonly lost: number
  readonly countedTwice: number
  readonly paidTwice: number
  /** Everything else that is wrong. */
  readonly differences: number
  readonly checked: {
    readonly rows: number
    readonly windows: number
    readonly decisions: number
    readonly settlements: number
    readonly ledgerEntries: number
    readonly commands: number
    readonly accounts: number
    readonly answers: number
    readonly stateRecords: number
    readonly batches: number
    readonly decidedByFence: number
    /** Partitions of usage.metered by broker, each compared from its first batch to its last. */
    readonly replicas: number
  }
}

/** Checks a fault run. Rejects where something cannot be read: then nothing is known. */
export async function check(args: CheckerArguments, problems: Problems): Promise<Summary> {
  const history = await readHistory(args.historyDir)
  const topics = topicNames(args.topicPrefix)
  const tables = new Tables({
    url: args.clickhouseUrl,
    database: args.database,
    usageBlocks: topics.usageBlocks,
    settlementBlocks: topics.settlementBlocks,
  })
  const commands = new Commands(await readRequests(args.historyDir), problems)
  const { raw, windows, decisions, settlements, ledger } = await checkTables(
    tables,
    history,
    commands,
    args.partitions,
    problems,
  )
  const { accounts, stateRecords, batches, decidedByFence } = await checkLogs(
    new Log(args.brokers),
    args,
    problems,
  )
  const replicas = await checkReplicas(args, history, problems)
  const expected = {
    totals: totalsOf(raw.counted.values()),
    costs: decisions.nodes,
    settlements: settlements.nodes,
    balances: ledger.balances,
    rewards: ledger.rewards.nodes,
    impressions: commands.impressions,
  }
  compareAccounts(accounts, expected, problems)

  const answers = await readAnswers(args.historyDir, problems)
  checkAnswerOrder(answers, problems)
  const stored = {
    history,
    counted: raw.counted.values(),
    settlements: settlements.byId.values(),
    rewards: ledger.rewards.paid,
  }
  const bounds = new AnswerBounds(stored, problems)
  for (const answer of answers) bounds.check(answer)

  const { accepted, unknown, refused } = history.counts()
  return {
    events: accepted,
    unknown,
    refused,
    lost: problems.count('lost'),
    countedTwice: problems.count('counted twice'),
    paidTwice: problems.count('paid twice'),
    differences: problems.differences,
    checked: {
      rows: raw.rows,
      windows,
      decisions: decisions.rows,
      settlements: settlements.rows,
      ledgerEntries: ledger.rows,
      commands: commands.rows,
      accounts: accounts.size,
      answers: answers.length,
      stateRecords,
      batches,
      decidedByFence,
      replicas,
    },
  }
}

async function readHistory(dir: string): Promise<History> {
  const history = new History()
  const files = await readLines(dir, 'events-', (line) => history.add(parseAttempt(line)))
  if (files === 0) throw new HistoryError(`${dir} holds no events-*.jsonl`)
  return history
}

/** Returns none where the run sent only usage. */
async function readRequests(dir: string): Promise<RequestAttempt[]> {
  const requests: RequestAttempt[] = []
  await readLines(dir, 'commands-', (line) => requests.push(parseRequest(line)))
  return requests
}

/** An answer that cannot be read is a problem of the API and is reported; it does not end the check. */
async function readAnswers(dir: string, problems: Problems): Promise<Answer[]> {
  const answers: Answer[] = []
  await readLines(dir, 'answers-', (line, place) => {
    try {
      const answer = parseAnswer(line, place)
      if (answer !== null) answers.push(answer)
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error
      problems.add('answer', `${place} cannot be read: ${error.message}`)
    }
  })
  return answers
}

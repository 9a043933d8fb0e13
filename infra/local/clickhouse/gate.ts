import type { Engine } from './engine.ts'
import { ClickhouseError } from './errors.ts'
import { judgeTree } from './judge.ts'
import { isPlainName, judgeText, type TextFacts, valuesProblem } from './judge-text.ts'
import type { Connection } from './native.ts'
import type { StatementRequest } from './request.ts'
import { holdsSeveral } from './statement.ts'
import { MIB } from '../../../schemas/units.ts'

const READS = 0
/** Statements whose judgement is remembered: loaders and readers send the same few again and again. */
const JUDGED_MAX = 5_000
const JUDGED_STATEMENT_MAX_BYTES = 4_096
/**
 * Largest data of INSERT … VALUES that may hold expressions. Larger data, and data that comes apart from the statement,
 * may hold values only.
 */
const EXPRESSIONS_MAX_BYTES = MIB

/** What the gate found before the statement has a connection. */
export interface Admitted {
  /** True if it only reads. */
  readonly reads: boolean
  /** True if expressions in its VALUES may be evaluated. */
  readonly evaluates: boolean
  readonly facts: TextFacts
}

/**
 * Admits what is allowed from outside. Every statement passes it, including those of the services: a client that has
 * found a password of the services must not be able to read this machine's files either.
 */
export class Gate {
  readonly #engine: Engine
  readonly #extraEngines: readonly string[]
  readonly #judged = new Set<string>()

  /** @param extraEngines engines that this start allows beyond the list. */
  constructor(engine: Engine, extraEngines: readonly string[]) {
    this.#engine = engine
    this.#extraEngines = extraEngines
  }

  /**
   * What can be known without running anything. @throws ClickhouseError for more than one statement, files, a write by GET.
   */
  async admit(request: StatementRequest, readOnly: boolean): Promise<Admitted> {
    const head = Buffer.from(request.text, 'latin1').toString()
    const { statementCount, queryClass } = await this.#engine.classify(head)
    // A text that cannot be parsed counts as none; the engine would still run the statements before the one that is wrong.
    if (statementCount > 1 || (statementCount === 0 && holdsSeveral(request.text)))
      throw new ClickhouseError(62, 'SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed)')
    if (statementCount === 0) {
      await this.#engine.syntaxError(head)
      throw new ClickhouseError(62, 'SYNTAX_ERROR', 'Syntax error: not one statement')
    }
    if (request.statement.kind === 'text' && request.statement.outfile)
      throw new ClickhouseError(48, 'NOT_IMPLEMENTED', 'INTO OUTFILE is not allowed over HTTP')
    if (readOnly && queryClass !== READS) {
      throw new ClickhouseError(
        164,
        'READONLY',
        'Cannot execute query in readonly mode: GET reads, POST writes',
      )
    }
    const facts = judgeText(request.text, this.#engine.vocabulary)
    if (facts.refusal !== undefined) throw refused(facts.refusal)
    return { reads: queryClass === READS, evaluates: this.#evaluates(request), facts }
  }

  /**
   * Judges the statement on the connection that it is to run on: its tree depends on the values of its parameters.
   * @param given the request's settings and parameters.
   */
  async judge(
    connection: Connection,
    request: StatementRequest,
    facts: TextFacts,
    given: ReadonlyMap<string, string>,
  ): Promise<void> {
    if (this.#judged.has(request.text)) return
    for (const name of facts.identifierParameters) {
      const value = given.get(`param_${name}`)
      if (value === undefined || !isPlainName(value))
        throw refused(`the value of {${name}:Identifier} is no name`)
    }
    const head = Buffer.from(request.text, 'latin1').toString()
    const { vocabulary } = this.#engine
    const tree = await this.#engine.syntaxTree(connection, head)
    const problem = judgeTree(tree, { facts, vocabulary, extraEngines: this.#extraEngines })
    if (problem !== undefined) throw refused(problem)
    if (facts.identifierParameters.length > 0 || request.text.length > JUDGED_STATEMENT_MAX_BYTES) return
    if (this.#judged.size >= JUDGED_MAX) this.#judged.clear()
    this.#judged.add(request.text)
  }

  /** @throws ClickhouseError for expressions that are not allowed. */
  #evaluates({ statement, values }: StatementRequest): boolean {
    if (statement.kind !== 'values' || values === undefined || values.length > EXPRESSIONS_MAX_BYTES)
      return false
    const problem = valuesProblem(values, this.#engine.vocabulary)
    if (problem !== undefined) throw refused(problem)
    return true
  }
}

function refused(problem: string): ClickhouseError {
  return new ClickhouseError(
    497,
    'ACCESS_DENIED',
    `The local ClickHouse refuses this statement: ${problem}. It runs what reads and writes its own tables only; ` +
      'for anything else point HIVEMETER_CLICKHOUSE_URL at a server.',
  )
}

import { Problem } from './problem.ts'

/**
 * A caller requests a node that it may not see. The answer is the same as for a node that does not exist; only the audit
 * records the difference.
 */
export class ForeignNode extends Problem {
  readonly nodeId: string

  /** `answer` is what the caller gets. */
  constructor(nodeId: string, answer: Problem) {
    super(answer.code, answer.message, answer.extra, answer.headers)
    this.nodeId = nodeId
  }
}

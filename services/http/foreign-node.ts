import { Problem } from './problem.ts'

/**
 * A caller asks for a node that it may not see. The answer is the one that a node gets which does not exist; the audit alone is
 * told the difference.
 */
export class ForeignNode extends Problem {
  readonly nodeId: string

  /** `told` is what the caller gets to know. */
  constructor(nodeId: string, told: Problem) {
    super(told.code, told.message, told.extra, told.headers)
    this.nodeId = nodeId
  }
}

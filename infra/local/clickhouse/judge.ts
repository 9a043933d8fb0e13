import {
  ALTER_COMMANDS,
  CODECS,
  ENGINES,
  INDEX_TYPES,
  NODE_KINDS,
  SYSTEM_COMMANDS,
  TABLE_FUNCTIONS,
} from './allowed.ts'
import { isPlainName, type TextFacts } from './judge-text.ts'
import { nodesOf, type SyntaxNode } from './syntax-tree.ts'
import type { Vocabulary } from './vocabulary.ts'

/**
 * Nodes in which a `Set` is not a clause of its own: EXPLAIN's options, a column's sizes, and an INSERT, which repeats
 * the clause of its SELECT.
 */
const SETTINGS_APART: ReadonlySet<string> = new Set(['Explain', 'ColumnDeclaration', 'InsertQuery'])

/** What the judgement uses in addition to the tree. */
export interface Known {
  readonly facts: TextFacts
  readonly vocabulary: Vocabulary
  /** Engines that this start allows beyond the list: the benchmark's peer needs Kafka. */
  readonly extraEngines: readonly string[]
}

/**
 * Why a statement from outside is refused, judged by the engine's own syntax tree and by what `judgeText` found; undefined
 * where it may run.
 */
export function judgeTree(root: SyntaxNode | undefined, known: Known): string | undefined {
  if (root === undefined) return 'its syntax tree cannot be read'
  let settingsSeen = 0
  for (const { node, parent } of nodesOf(root)) {
    if (node.kind === 'Set' && !SETTINGS_APART.has(parent?.kind ?? '')) settingsSeen += 1
    const problem = nodeProblem(node, parent, known)
    if (problem !== undefined) return problem
  }
  if (settingsSeen > known.facts.settingsClauses) return 'it has settings that cannot be read'
  return hiddenProblem(root, known.facts)
}

function nodeProblem(node: SyntaxNode, parent: SyntaxNode | undefined, known: Known): string | undefined {
  const { kind, name } = node
  if (!NODE_KINDS.has(kind)) return `statements with ${kind} are not allowed`
  if (kind === 'AlterCommand' && !ALTER_COMMANDS.has(name)) return `ALTER … ${name} is not allowed`
  if (kind === 'Function') return functionProblem(node, parent, known)
  if (kind !== 'Identifier' && kind !== 'TableIdentifier') return undefined
  if (!isPlainName(name)) return `the name ${name} could be a file's`
  // A function may be given by its name alone: arrayMap(file, […]).
  if (kind === 'Identifier' && known.vocabulary.isForbidden(name))
    return `the function ${name} is not allowed`
  return undefined
}

/** Nodes that the tree calls `Function`: calls, but also engines, codecs, kinds of indexes, table functions. */
function functionProblem(
  node: SyntaxNode,
  parent: SyntaxNode | undefined,
  { vocabulary, extraEngines }: Known,
): string | undefined {
  const { name } = node
  switch (parent?.kind) {
    case 'Storage':
      // The engine is the first one; keys, which are expressions, follow it.
      if (parent.children[0] !== node) break
      return ENGINES.has(name) || extraEngines.includes(name)
        ? undefined
        : `the engine ${name} is not allowed`
    case 'TableExpression':
    case 'InsertQuery':
    case 'CreateQuery':
      return TABLE_FUNCTIONS.has(name.toLowerCase()) ? undefined : `the table function ${name} is not allowed`
    case 'Index':
      if (INDEX_TYPES.has(name)) return undefined
      break
    case undefined:
      break
    default:
      if (CODECS.has(name)) return undefined
  }
  return vocabulary.mayCall(name) ? undefined : `the function ${name} is not allowed`
}

/** Parts that some statements keep out of the tree. */
function hiddenProblem(root: SyntaxNode, facts: TextFacts): string | undefined {
  const [, second = '', third = ''] = facts.head
  if (root.kind === 'SYSTEM') {
    const isAllowed = SYSTEM_COMMANDS.some(([verb, object]) => verb === second && object === third)
    return isAllowed ? undefined : `SYSTEM ${second} ${third} is not allowed`
  }
  if ((root.kind === 'ShowTables' || root.kind === 'ShowColumns') && facts.hasBrackets)
    return 'SHOW with brackets is not allowed'
  if (root.kind === 'CreateQuery' && facts.identifierParameters.length > 0)
    return 'CREATE with {…:Identifier} is not allowed'
  return undefined
}

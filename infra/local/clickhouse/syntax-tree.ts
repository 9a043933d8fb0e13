/** One node of the engine's syntax tree, as `EXPLAIN AST` prints it. */
export interface SyntaxNode {
  /** The first word of its line: `SelectQuery`, `Function`, `Identifier`. */
  readonly kind: string
  /** The text after the kind, without alias and number of children: the function's name, the identifier. */
  readonly name: string
  readonly children: readonly SyntaxNode[]
}

interface Draft {
  readonly node: SyntaxNode & { readonly children: SyntaxNode[] }
  readonly depth: number
  readonly awaited: number
}

const LINE = /^( *)(\S+)(.*)$/
const CHILDREN = / \(children (\d+)\)$/
const ALIAS = / \(alias .*\)$/

/**
 * Reads what `EXPLAIN AST` printed. Undefined where that is not one whole tree: names in it come from the statement and
 * may hold line ends. A line that no count of children announced is then part of a name, and nothing of the tree is believed.
 */
export function readSyntaxTree(dump: string): SyntaxNode | undefined {
  const lines = dump.replace(/\n+$/, '').split('\n')
  const open: Draft[] = []
  let root: SyntaxNode | undefined
  for (const line of lines) {
    const draft = draftOf(line)
    if (draft === undefined) return undefined
    while ((open.at(-1)?.depth ?? -1) >= draft.depth) {
      if (!isWhole(open.pop())) return undefined
    }
    const parent = open.at(-1)
    if (parent === undefined ? root !== undefined || draft.depth > 0 : parent.depth !== draft.depth - 1)
      return undefined
    parent?.node.children.push(draft.node)
    root ??= draft.node
    open.push(draft)
  }
  return open.every(isWhole) ? root : undefined
}

function draftOf(line: string): Draft | undefined {
  const [, indent = '', kind = '', rest = ''] = LINE.exec(line) ?? []
  if (kind === '') return undefined
  const awaited = Number(CHILDREN.exec(rest)?.[1] ?? 0)
  const name = rest.replace(CHILDREN, '').replace(ALIAS, '').trim()
  return { node: { kind, name, children: [] }, depth: indent.length, awaited }
}

function isWhole(draft: Draft | undefined): boolean {
  return draft !== undefined && draft.node.children.length === draft.awaited
}

/** The node and all below it, each with its parent. */
export function* nodesOf(
  node: SyntaxNode,
  parent?: SyntaxNode,
): Generator<{ readonly node: SyntaxNode; readonly parent: SyntaxNode | undefined }, undefined> {
  yield { node, parent }
  for (const child of node.children) yield* nodesOf(child, node)
}

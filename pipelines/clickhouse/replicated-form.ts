import { MigrationRefused } from './migrate-files.ts'
import { bareWords } from './migrate-split.ts'
import type { BareWord } from './migrate-split.ts'
import { DAY_S } from '../../schemas/units.ts'

/**
 * Where a table's replicas meet in Keeper. The path contains the name and not the UUID: a replica that is added later
 * creates the table itself and must find the others.
 */
const KEEPER_PATH = '/clickhouse/tables/{shard}/{database}/{table}'
const REPLICA_NAME = '{replica}'

/** How long tokens are kept, and at most as many as the table's window allows: the server's own default is one hour. */
export const TOKENS_KEPT_S = 7 * DAY_S

const WINDOW = 'non_replicated_deduplication_window'
const FAMILY = 'MergeTree'

/** The words before the name after which ON CLUSTER follows. */
const NAMED =
  /^(?:CREATE\s+(?:DATABASE|TABLE|ROLE|USER|QUOTA|SETTINGS\s+PROFILE|ROW\s+POLICY)(?:\s+IF\s+NOT\s+EXISTS)?|ALTER\s+TABLE)\s+(?:`[^`\\]+`|[\w.]+)(?=[\s(]|$)/i
const GRANT = /^GRANT(?=\s)/i

/**
 * The form of a statement on a cluster: ON CLUSTER after the name, and for a table the Replicated engine and the window of
 * its tokens. Everything else stays as it is written. Throws MigrationRefused for a statement whose form on a cluster is
 * not known: a migration must be written so that it has one.
 */
export function onCluster(sql: string, cluster: string): string {
  const head = (NAMED.exec(sql) ?? GRANT.exec(sql))?.[0]
  if (head === undefined) throw refused(sql, 'is not one that can be run on a cluster')
  const rest = sql.slice(head.length)
  const isTable = /^CREATE\s+TABLE/i.test(head)
  return `${head} ON CLUSTER \`${cluster}\`${isTable ? replicated(rest, sql) : rest}`
}

/** The form of a statement where it is run: that on a cluster, or as it is written where `cluster` is empty. */
export function formOn(cluster: string, sql: string): string {
  return cluster === '' ? sql : onCluster(sql, cluster)
}

/** The part of CREATE TABLE after the name. */
function replicated(rest: string, sql: string): string {
  const words = bareWords(rest)
  const engine = engineOf(words)
  if (engine === undefined || !engine.text.endsWith(FAMILY)) {
    throw refused(sql, `makes a table whose engine is not of the ${FAMILY} family`)
  }
  if (engine.text.startsWith('Replicated')) throw refused(sql, 'names a Replicated engine itself')
  if (/^\s*\(/.test(rest.slice(engine.end))) throw refused(sql, 'makes a table whose engine has arguments')
  const edits = [
    { word: engine, text: `Replicated${engine.text}('${KEEPER_PATH}', '${REPLICA_NAME}')` },
    ...words
      .filter(({ text, depth }) => depth === 0 && text === WINDOW)
      .map((word) => ({
        word,
        text: `replicated_deduplication_window_seconds = ${TOKENS_KEPT_S}, replicated_deduplication_window`,
      })),
  ]
  let from = 0
  let form = ''
  for (const { word, text } of edits) {
    form += rest.slice(from, word.start) + text
    from = word.end
  }
  return form + rest.slice(from)
}

/** The word after `ENGINE =`, outside of any parentheses. */
function engineOf(words: readonly BareWord[]): BareWord | undefined {
  const outside = words.filter(({ depth }) => depth === 0)
  const at = outside.findIndex(({ text }) => text.toUpperCase() === 'ENGINE')
  return at < 0 ? undefined : outside[at + 1]
}

function refused(sql: string, why: string): MigrationRefused {
  return new MigrationRefused(
    `The statement "${sql.slice(0, 80).replaceAll(/\s+/g, ' ')}…" ${why}. ` +
      'Write it as CREATE TABLE … ENGINE = …MergeTree or ALTER TABLE, or teach the form on a cluster to the migrations.',
  )
}

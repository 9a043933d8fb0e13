import { COMPILED_TABLE } from '../../schemas/model-table.ts'
import type { ModelTable } from '../../schemas/model-table.ts'

/** The tables of models that a process knows, as it follows them in the log. */
export interface ModelTables {
  /**
   * The newest table that is known, by which a task may judge that has judged by `version`; null where that one is newer than
   * all that are known: the task waits, and whoever gives the tables says so. What it gives a task never gets older.
   */
  newestFor(partition: number, version: number): ModelTable | null
}

/** Where the log has no table, and for tests of something else: the one that is compiled in. */
export const COMPILED_TABLES: ModelTables = {
  newestFor: (_partition, version) => (version <= COMPILED_TABLE.version ? COMPILED_TABLE : null),
}

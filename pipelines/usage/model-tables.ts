import { COMPILED_TABLE } from '../../schemas/model-table.ts'
import type { ModelTable } from '../../schemas/model-table.ts'

/** The tables of models that a process knows, which it follows in the log. */
export interface ModelTables {
  /**
   * The newest known table that a task which already uses `version` may use. Null where `version` is newer than all known
   * tables: the task waits, and the provider of the tables reports that. The tables that a task gets never become older.
   */
  newestFor(partition: number, version: number): ModelTable | null
}

/** The compiled table: for a log without a table, and for tests of something else. */
export const COMPILED_TABLES: ModelTables = {
  newestFor: (_partition, version) => (version <= COMPILED_TABLE.version ? COMPILED_TABLE : null),
}

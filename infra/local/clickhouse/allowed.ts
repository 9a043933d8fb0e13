/*
 * What a statement from outside may contain. A client that may send SQL must not be able to read or write files of this
 * machine with it, or to contact other machines from it. So these lists name what is allowed: what a later engine adds is
 * refused until it is listed.
 */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/**
 * Kinds of nodes in the engine's syntax tree. Those that hide what they contain (BACKUP, dictionaries, APPLY) are not listed.
 */
export const NODE_KINDS = words(`
  SelectWithUnionQuery SelectIntersectExceptQuery SelectQuery ProjectionSelectQuery Subquery WithElement
  ExpressionList Function Identifier TableIdentifier Literal QueryParameter Set
  Asterisk QualifiedAsterisk ColumnsRegexpMatcher ColumnsListMatcher QualifiedColumnsRegexpMatcher
  QualifiedColumnsListMatcher ColumnsTransformerList ColumnsExceptTransformer ColumnsReplaceTransformer
  ColumnsReplaceTransformer::Replacement
  TablesInSelectQuery TablesInSelectQueryElement TableExpression TableJoin ArrayJoin SampleRatio
  OrderByElement InterpolateElement WindowListElement WindowDefinition
  InsertQuery CreateQuery Columns ColumnDeclaration DataType EnumDataType TupleDataType NameTypePair
  ASTObjectTypeArgument ObjectTypedPath Index Constraint Projection Storage TTLElement ViewTargets
  AlterQuery AlterCommand Partition Assignment DeleteQuery UpdateQuery DropQuery TruncateQuery OptimizeQuery
  Rename UseQuery DescribeQuery ExistsTableQuery ExistsDatabaseQuery ExistsViewQuery ShowTables ShowColumns
  ShowCreateTableQuery ShowCreateDatabaseQuery ShowCreateViewQuery ShowProcesslistQuery Explain SYSTEM`)

export const ALTER_COMMANDS = words(`
  ADD_COLUMN DROP_COLUMN MODIFY_COLUMN COMMENT_COLUMN RENAME_COLUMN MATERIALIZE_COLUMN ADD_INDEX DROP_INDEX
  MATERIALIZE_INDEX ADD_CONSTRAINT DROP_CONSTRAINT ADD_PROJECTION DROP_PROJECTION MATERIALIZE_PROJECTION
  MODIFY_ORDER_BY MODIFY_COMMENT MODIFY_TTL REMOVE_TTL DROP_PARTITION DELETE UPDATE`)

/** The tree has SYSTEM without its command, so the command is read from the text: the two words after it. */
export const SYSTEM_COMMANDS: readonly (readonly [string, string])[] = [
  ['STOP', 'MERGES'],
  ['START', 'MERGES'],
  ['SYNC', 'REPLICA'],
]

export const TABLE_FUNCTIONS = words(
  'numbers numbers_mt zeros zeros_mt generateseries generate_series generaterandom values view null input',
)

/** Engines of tables and databases, with their capital letters. */
export const ENGINES = words(`
  MergeTree ReplacingMergeTree SummingMergeTree AggregatingMergeTree CollapsingMergeTree VersionedCollapsingMergeTree
  ReplicatedMergeTree ReplicatedReplacingMergeTree ReplicatedSummingMergeTree ReplicatedAggregatingMergeTree
  Memory Log TinyLog StripeLog Null Atomic`)

export const CODECS = words('CODEC T64 ZSTD LZ4 LZ4HC Delta DoubleDelta Gorilla GCD FPC NONE Default')

export const INDEX_TYPES = words('minmax set bloom_filter ngrambf_v1 tokenbf_v1')

/** Allowed categories, as the engine itself sorts its functions; of the other categories, the functions below. */
export const FUNCTION_CATEGORIES: ReadonlySet<string> = new Set([
  'Aggregate Functions',
  'Arithmetic',
  'Arrays',
  'Bit',
  'Bitmap',
  'Comparison',
  'Conditional',
  'Dates and Times',
  'Distance',
  'Encoding',
  'Encryption',
  'Financial',
  'Geo',
  'Geo Polygon',
  'Hash',
  'IP Address',
  'JSON',
  'Logical',
  'Map',
  'Mathematical',
  'Null',
  'NumericIndexedVector',
  'QBit',
  'Random Number',
  'Rounding',
  'String',
  'String Replacement',
  'String Search',
  'String Splitting',
  'Time Window',
  'Tuple',
  'Type Conversion',
  'URL',
  'UUID',
])

/** In lower case. Some belong to the parser itself and are in no list of the engine. */
export const OTHER_FUNCTIONS = words(`
  lambda exists grouping untuple casewithexpression nested _cast
  bar blocknumber blocksize bytesize countdigits currentdatabase currentuser currentqueryid defaultvalueoftypename digits displayname
  errorcodetoname finalizeaggregation formatquery formatquerysingleline formatreadabledecimalsize formatreadablequantity
  formatreadablesize formatreadabletimedelta getsetting getsizeofenumtype getsubcolumn hostname identity ignore
  initializeaggregation isconstant isdecimaloverflow lowcardinalityindices lowcardinalitykeys materialize neighbor
  normalizedqueryhash normalizequery parsereadablesize parsetimedelta partitionid queryid revision
  rownumberinallblocks rownumberinblock runningaccumulate runningdifference serveruuid sleep sleepeachrow throwif
  tocolumntypename totypename transform uptime variantelement varianttype version visiblewidth`)

/** Settings that a request or a statement may name. Others name files, addresses and schemas, or change the language. */
export const SETTINGS: readonly RegExp[] = [
  /^(max|min)_\w+$/,
  /^output_format_json_\w+$/,
  /^(date_time_(input|output)_format|session_timezone)$/,
  /^(async_insert|insert_(deduplicat\w+|quorum\w*|keeper_\w+)|deduplicate_\w+|select_sequential_consistency)$/,
  /^(ignore_on_cluster_\w+|distributed_ddl_\w+|receive_timeout|send_timeout|replication_\w+|alter_sync|mutations_sync)$/,
  /^(join_use_nulls|final|readonly|use_uncompressed_cache|use_query_cache|log_queries|log_comment|priority)$/,
  /^(optimize|function_sleep|group_by|timeout_overflow|result_overflow|read_overflow)_\w+$/,
  /^(index_granularity|index_granularity_bytes|non_replicated_deduplication_window|ttl_only_drop_parts)$/,
  /^replicated_deduplication_\w+$/,
  // It has no effect except on a table of the engine Kafka, which a start has to allow.
  /^kafka_\w+$/,
]

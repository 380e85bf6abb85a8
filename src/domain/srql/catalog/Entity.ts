/** What can be asked for: its fields, how they are filtered and sorted, its row, and what can be computed of it. */
import type { Values } from "../../resource/expression/Node.ts"
import { type Literal, name, type Sql, sql as template } from "../../sql/Sql.ts"
import type { Direction } from "../language/Query.ts"
import type { Answer, Span } from "../language/SrqlError.ts"

export type ColumnType =
  | "text"
  | "text_array"
  | "bool"
  | "int4"
  | "int8"
  | "float4"
  | "float8"
  | "numeric"
  | "timestamptz"
  | "jsonb"
  | "uuid"

/**
 * How a field is filtered.
 *
 *   text         =, patterns and lists               textOnly     =, patterns
 *   equality     =                                   integer      = of whole numbers
 *   integers     = and lists of whole numbers        number       = and comparisons
 *   fixed        = of numbers                        bool         true/1/yes, false/0/no
 *   uuid         =                                   json         = and patterns; negatives keep nulls
 *   keys         any of a JSON object's keys         containsAll  an array that holds all of them
 *   overlap      an array that holds any of them     flag         true/1, else false; the operator says nothing
 *   mac          hex digits, however written         address      = and patterns, CIDR, range
 */
export const filterClasses = [
  "text",
  "textOnly",
  "equality",
  "integer",
  "integers",
  "number",
  "fixed",
  "bool",
  "uuid",
  "json",
  "keys",
  "containsAll",
  "overlap",
  "flag",
  "mac",
  "address"
] as const
export type FilterClass = typeof filterClasses[number]

export interface Field {
  readonly name: string
  readonly aliases: ReadonlyArray<string>
  readonly class: FilterClass
  readonly sql: Sql
  readonly type: ColumnType
}

export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly sql: Sql
  readonly identifier: Sql
  /** Whether `sql` is something else than `identifier`. */
  readonly isExpression: boolean
}

export interface Semantics {
  readonly id?: ReadonlyArray<string>
  readonly label?: ReadonlyArray<string>
  readonly value?: ReadonlyArray<string>
  readonly series?: string
  readonly y?: string
  readonly units?: Readonly<Record<string, string>>
}

export interface Rollup {
  readonly relation: Sql
  /** The payload's keys and what they are. */
  readonly payload: ReadonlyArray<readonly [string, Sql]>
  readonly fields: ReadonlyMap<string, Field>
  /** Whether the end of the time range is part of it. */
  readonly isClosed: boolean
}

/** Of an entity that is one document about one thing. */
export interface DocumentOf {
  /** The field that says about which; it has to be asked for. */
  readonly of: string
  /** Filters that turn parts of it on and off, and whether they are on where nothing is said. */
  readonly switches: ReadonlyMap<string, { readonly aliases: ReadonlyArray<string>; readonly isOn: boolean }>
  readonly written: (isOn: (name: string) => boolean) => Sql
  /** What others have in it, in one line. */
  readonly missing: string
}

export interface Group {
  readonly key: string
  readonly sql: Sql
}

export interface Entity {
  readonly name: string
  readonly spellings: ReadonlyArray<string>
  /** Table with its joins. */
  readonly from: Sql
  /** The same where rows of several tenants stand in the tables: what is joined is of the row's own. */
  readonly fromOfTenant: Sql
  readonly tenant: Sql | null
  readonly time: Sql | null
  /** A predicate that always holds of its rows. */
  readonly always: Sql | null
  readonly columns: ReadonlyArray<Column>
  /** By name and alias. */
  readonly fields: ReadonlyMap<string, Field>
  /** Fields of which any key can be asked, as `metadata.KEY`. */
  readonly documents: ReadonlyMap<string, Sql>
  readonly sorts: ReadonlyMap<string, Column>
  readonly order: ReadonlyArray<readonly [Column, Direction]>
  /** What tells most rows apart. */
  readonly key: ReadonlyArray<Column>
  /** A row of the table with all its columns, also those that nobody is shown, where the key does not tell all rows apart. */
  readonly wholeRow: Sql | null
  readonly groups: ReadonlyMap<string, Group>
  readonly rollups: ReadonlyMap<string, Rollup>
  /** What `bucket:` can aggregate, the default first, and what it can be split by. */
  readonly metric: { readonly values: ReadonlyArray<string>; readonly series: ReadonlyArray<string> } | null
  /** What makes two rows states of the same thing, newest first: `latest:true`. */
  readonly latest: { readonly of: ReadonlyArray<Sql>; readonly newest: Sql } | null
  /** Then there are neither rows nor anything that is computed of them. */
  readonly document: DocumentOf | null
  /** Where an ungrouped count is a bare number, and negatives in groups keep nulls. */
  readonly isInventory: boolean
  readonly semantics: Semantics
  /** Columns and names for them that are hidden from whoever asks, see `Concealment`. */
  readonly concealed: ReadonlySet<string>
  /** What it, as the catalog has it, is to whoever asks, or why it is nothing to them; null where it is the same to all. */
  readonly within: ((asking: Asking, at: Span, entity: Entity) => Answer<Entity>) | null
}

/** Who asks, and when. */
export interface Asking {
  /** As resources know it, see `serviceradar-effect/resource`. */
  readonly actor?: Values | undefined
  readonly nowMillis: number
}

type Named<C> = (keyof C & string) | readonly [keyof C & string, ...ReadonlyArray<string>]

export interface Definition<N extends string, C extends Readonly<Record<string, ColumnType>>> {
  readonly name: Literal<N>
  readonly spellings: ReadonlyArray<string>
  /** The table's own name is the default. */
  readonly from?: Sql
  /** Needed where `from` joins tables that have tenants too. */
  readonly fromOfTenant?: Sql
  /** What stands before a column of the table where there are joins. */
  readonly alias?: Sql
  readonly relation: Sql
  /** Rows of all tenants stand in one table where there is such a column. */
  readonly tenant: Sql | null
  readonly time: (keyof C & string) | null
  readonly always?: Sql
  readonly columns: C
  /** Columns that can be asked for and are no part of the row. */
  readonly hidden?: ReadonlyArray<keyof C & string>
  /** Columns that are computed. */
  readonly computed?: Partial<Readonly<Record<keyof C & string, Sql>>>
  readonly filters: Partial<Readonly<Record<FilterClass, ReadonlyArray<Named<C>>>>>
  /** Filters on what is no column. */
  readonly more?: ReadonlyArray<Field>
  readonly documents?: ReadonlyArray<keyof C & string>
  readonly sorts: ReadonlyArray<Named<C>>
  readonly order: ReadonlyArray<readonly [keyof C & string, Direction]>
  readonly key: ReadonlyArray<keyof C & string>
  readonly groups?: ReadonlyArray<Named<C>>
  /** What a group is called where the column is null. */
  readonly groupSql?: Partial<Readonly<Record<keyof C & string, Sql>>>
  readonly rollups?: Readonly<Record<string, Rollup>>
  readonly metric?: {
    readonly values: ReadonlyArray<keyof C & string>
    readonly series: ReadonlyArray<keyof C & string>
  }
  readonly latest?: Entity["latest"]
  readonly document?: DocumentOf
  readonly isInventory?: boolean
  readonly semantics?: Semantics
}

const namesOf = <C>(named: Named<C>): readonly [keyof C & string, ReadonlyArray<string>] =>
  typeof named === "string" ? [named, []] : [named[0], named.slice(1)]

/** The name and the aliases all lead to the same. */
export const byEveryName = <A>(entries: ReadonlyArray<readonly [ReadonlyArray<string>, A]>): ReadonlyMap<string, A> =>
  new Map(entries.flatMap(([names, value]) => names.map((name) => [name, value] as const)))

/** Columns are literals, and whatever is said of them is said by their names: a wrong one does not compile. */
export const define = <const N extends string, const C extends Readonly<Record<string, ColumnType>>>(
  given: Definition<N, C> & { readonly columns: string extends keyof C ? never : C }
): Entity => {
  type Name = keyof C & string
  const column = (of: Name): Column => ({
    name: of,
    type: given.columns[of] ?? "text",
    sql: given.computed?.[of] ?? (given.alias === undefined ? name(of) : template`${given.alias}.${name(of)}`),
    identifier: name(of),
    isExpression: given.alias !== undefined || given.computed?.[of] !== undefined
  })
  const columns = new Map(Object.keys(given.columns).map((of) => [of, column(of)]))
  const filters = filterClasses.flatMap((filterClass) =>
    (given.filters[filterClass] ?? []).map((named): readonly [ReadonlyArray<string>, Field] => {
      const [of, aliases] = namesOf<C>(named)
      const { sql, type } = column(of)
      return [[of, ...aliases], { name: of, aliases, class: filterClass, sql, type }]
    })
  )
  const more = (given.more ?? []).map((field) => [[field.name, ...field.aliases], field] as const)
  const named = (list: ReadonlyArray<Named<C>>) => list.map((one) => namesOf<C>(one))
  return {
    name: given.name,
    spellings: [...new Set([given.name, ...given.spellings])],
    from: given.from ?? given.relation,
    fromOfTenant: given.fromOfTenant ?? given.from ?? given.relation,
    tenant: given.tenant,
    time: given.time === null ? null : column(given.time).sql,
    always: given.always ?? null,
    columns: [...columns.values()].filter(({ name }) => given.hidden?.some((hidden) => hidden === name) !== true),
    fields: byEveryName([...filters, ...more]),
    documents: new Map((given.documents ?? []).map((of) => [of, column(of).sql])),
    sorts: byEveryName(named(given.sorts).map(([of, aliases]) => [[of, ...aliases], column(of)])),
    order: given.order.map(([of, direction]) => [column(of), direction]),
    key: given.key.map(column),
    wholeRow: given.alias ?? given.relation,
    groups: byEveryName(
      named(given.groups ?? []).map(([of, aliases]) => [[of, ...aliases], {
        key: of,
        sql: given.groupSql?.[of] ?? column(of).sql
      }])
    ),
    rollups: new Map(Object.entries(given.rollups ?? {})),
    metric: given.metric ?? null,
    latest: given.latest ?? null,
    document: given.document ?? null,
    isInventory: given.isInventory ?? false,
    semantics: given.semantics ?? {},
    concealed: new Set(),
    within: null
  }
}

/**
 * In which writer's tables rows are stored, and where these are.
 *
 * The readers of v1.0.76 know its tables only: `events`, attributes as `k=v,k=v`, severity words as they were sent. Where a
 * database has these tables and not the newer ones, rows go there in that form, as the Go writer makes them; elsewhere in
 * the current form. Another writer's tables weigh more than ours, so that there is never a second set that nobody reads.
 */

export const tableForms = ["go-1.0.76", "current"] as const
export type TableForm = typeof tableForms[number]

export const tablesSettings = ["auto", ...tableForms] as const
export type TablesSetting = typeof tablesSettings[number]

/** What is known of a schema. */
export interface FoundSchema {
  readonly schema: string
  /** Those of the writers' tables that are there, with their columns. */
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>
  /** Of these, the ones that we made. */
  readonly ours: ReadonlySet<string>
}

export interface TableChoice {
  readonly schema: string
  readonly form: TableForm
  /** Another writer made the tables: its position in the streams is gone on from. */
  readonly isForeign: boolean
  /** For the log: why. */
  readonly reason: string
}

export interface ChoiceAmbiguous {
  readonly problem: string
}

export const schemaDefault = "platform"

const has = (found: FoundSchema, table: string, column?: string): boolean => {
  const columns = found.tables.get(table)
  return columns !== undefined && (column === undefined || columns.has(column))
}

/** Its `logs` has no ids yet, and its events are in a table of their own. */
const isGoForm = (found: FoundSchema): boolean =>
  has(found, "events", "event_timestamp") && !has(found, "ocsf_events") && !has(found, "logs", "id")

const isForeign = ({ ours, tables }: FoundSchema): boolean => [...tables.keys()].some((table) => !ours.has(table))

const formOf = (found: FoundSchema | undefined, setting: TablesSetting): TableForm =>
  setting === "auto" ? found !== undefined && isGoForm(found) ? "go-1.0.76" : "current" : setting

const chosen = (found: FoundSchema, setting: TablesSetting, why: string): TableChoice => ({
  schema: found.schema,
  form: formOf(found, setting),
  isForeign: isForeign(found),
  reason: `${why}, ${setting === "auto" ? "by what is there" : "as EVENT_WRITER_TABLES says"}`
})

/**
 * `found`: the schemas with tables, in the order in which they count. Several with tables that others made are for a
 * person to choose from.
 */
export const choose = (
  found: ReadonlyArray<FoundSchema>,
  asked: { readonly schema: string | undefined; readonly tables: TablesSetting }
): TableChoice | ChoiceAmbiguous => {
  if (asked.schema !== undefined) {
    const named = found.find(({ schema }) => schema === asked.schema)
    return named === undefined
      ? {
        schema: asked.schema,
        form: formOf(undefined, asked.tables),
        isForeign: false,
        reason: "a schema without tables yet"
      }
      : chosen(named, asked.tables, "the schema that was asked for")
  }
  const foreign = found.filter(isForeign)
  const suiting = asked.tables === "auto"
    ? foreign
    : foreign.filter((one) => isGoForm(one) === (asked.tables === "go-1.0.76"))
  const [first, ...others] = suiting.length > 0 ? suiting : foreign
  if (first !== undefined && others.length === 0) return chosen(first, asked.tables, "tables of another writer")
  if (first !== undefined) {
    const names = [first, ...others].map(({ schema }) => schema).join(" and ")
    return {
      problem: `there are tables of another writer in ${names}: say which by EVENT_WRITER_SCHEMA, ` +
        "as rows in the wrong one are seen by nobody"
    }
  }
  const own = found.find(({ schema }) => schema === schemaDefault) ?? found[0]
  return own === undefined
    ? { schema: schemaDefault, form: formOf(undefined, asked.tables), isForeign: false, reason: "no tables yet" }
    : chosen(own, asked.tables, "our own tables")
}

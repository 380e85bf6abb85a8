/**
 * An entity to somebody from whom fields are hidden: each row has a marker in their place, and they are no way to ask. One that
 * is hidden of some rows is hidden of all.
 */
import { render, type Sql, sql } from "../../sql/Sql.ts"
import { type Answer, refuse, type Span } from "../language/SrqlError.ts"
import type { Column, Entity } from "./Entity.ts"

/** `hidden` of `FieldPolicies`. */
const marker = sql`'{"hidden": true}'::jsonb`

const isSame = (a: Sql | null, b: Sql): boolean => a !== null && render(a).text === render(b).text

/** `names` are columns. */
export const conceal = (entity: Entity, names: ReadonlySet<string>): Entity => {
  if (names.size === 0) return entity
  const isHidden = (name: string) => names.has(name) || names.has(name.split(".", 1)[0] ?? "")
  const left = <A>(all: ReadonlyMap<string, A>, nameOf: (one: A, key: string) => string): ReadonlyMap<string, A> =>
    new Map([...all].filter(([key, one]) => !isHidden(nameOf(one, key))))
  const isTime = entity.columns.some(({ name, sql }) => names.has(name) && isSame(entity.time, sql))
  const named = [
    ...[...entity.fields, ...entity.sorts].map(([alias, { name }]) => [alias, name] as const),
    ...[...entity.groups].map(([alias, { key }]) => [alias, key] as const)
  ]
  const aliases = named.flatMap(([alias, name]) => isHidden(name) ? [alias] : [])
  return {
    ...entity,
    concealed: new Set([...names, ...aliases, ...(isTime ? ["time"] : [])]),
    time: isTime ? null : entity.time,
    // Its digest would tell of what is hidden.
    wholeRow: null,
    columns: entity.columns.map((column): Column =>
      isHidden(column.name) ? { ...column, type: "jsonb", sql: marker, isExpression: true } : column
    ),
    fields: left(entity.fields, ({ name }) => name),
    documents: left(entity.documents, (_, key) => key),
    sorts: left(entity.sorts, ({ name }) => name),
    order: entity.order.filter(([{ name }]) => !isHidden(name)),
    groups: left(entity.groups, ({ key }) => key),
    metric: entity.metric === null ? null : {
      values: entity.metric.values.filter((name) => !isHidden(name)),
      series: entity.metric.series.filter((name) => !isHidden(name))
    }
  }
}

/** Why it cannot be asked by this field, where it is hidden from whoever asks. */
export const refusal = ({ concealed, name }: Entity, field: string, at: Span): Answer<never> | undefined =>
  concealed.has(field) || concealed.has(field.split(".", 1)[0] ?? "")
    ? refuse({
      at,
      detail: `field '${field}' of ${name} is hidden from you`,
      found: field,
      expected: "a field that you are shown"
    })
    : undefined

/** The catalog's tables on a real PostgreSQL, with random rows that have nulls everywhere. */
import type { Column, Entity } from "../../../src/domain/srql/catalog/Entity.ts"

const uuids = ["0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10", "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d11"]
const texts = ["a", "A", "ab", "a_b", "50%", "", "x y", "é\"'"]
const addresses = ["10.0.0.1", "10.0.1.5", "192.0.2.9", "no address", "2001:db8::1", "a", ""]

export const pools: Readonly<Record<Column["type"], ReadonlyArray<unknown>>> = {
  text: texts,
  text_array: [[], ["a"], ["a", "ab"], ["x y"]],
  bool: [true, false],
  int4: [0, 1, 2, -1, 2147483647],
  int8: [0, 1, 2, -1, 9007199254740000],
  float4: [0, 1.5, 70, -2],
  float8: [0, 1.5, 70, -2, 1e300],
  numeric: [0, 1.5],
  timestamptz: ["2026-03-05T12:00:00Z", "2026-03-04T12:00:00Z"],
  jsonb: [{}, { name: "a", version: "ab" }, { name: "x y", a: "1", type: null }],
  uuid: uuids
}

export const postgresTypes: Readonly<Record<Column["type"], string>> = {
  text: "text",
  text_array: "text[]",
  bool: "boolean",
  int4: "integer",
  int8: "bigint",
  float4: "real",
  float8: "double precision",
  numeric: "numeric",
  timestamptz: "timestamptz",
  jsonb: "jsonb",
  uuid: "uuid"
}

const poolOf = (entity: Entity, column: Pick<Column, "name" | "type">): ReadonlyArray<unknown> => {
  const filterClass = entity.fields.get(column.name)?.class
  if (filterClass === "address") return addresses
  if (filterClass === "mac") return ["0A:1B:2C:00:00:01", "0a1b2c000002", "a", ""]
  return pools[column.type]
}

export const rowsOf = (
  entity: Entity,
  columns: ReadonlyArray<Pick<Column, "name" | "type">>,
  random: (bound: number) => number,
  count: number
): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  Array.from({ length: count }, (_, rowNumber) => ({
    row_number_: rowNumber,
    tenant_id: rowNumber % 2 === 0 ? "even" : "odd",
    ...Object.fromEntries(columns.map((column) => {
      const pool = poolOf(entity, column)
      return [column.name, random(4) === 0 ? null : pool[random(pool.length)]]
    }))
  }))

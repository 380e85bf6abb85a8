import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import * as InsertStatement from "../../../../src/layers/events/store/InsertStatement.ts"
import * as TableDefinition from "../../../../src/layers/events/store/TableDefinition.ts"
import * as Timescale from "../../../../src/layers/events/store/Timescale.ts"

describe("Statements of the event tables", () => {
  it("insert whole columns, casting what has no array of its own", () => {
    const { text } = InsertStatement.make("my\"schema", "netflow_metrics")

    assert.isTrue(text.startsWith("insert into \"my\"\"schema\".\"netflow_metrics\" (\"tenant_id\", \"ingest_id\","))
    assert.include(text, "\"metadata\"::jsonb from unnest($1::text[], $2::uuid[], $3::timestamptz[],")
    assert.isTrue(
      text.endsWith("order by \"tenant_id\", \"timestamp\", \"ingest_id\", position_in_batch on conflict do nothing")
    )
  })

  it("look for keys alone where rows come again, if the table has the key", () => {
    const key = ["tenant_id", "time", "ingest_id"]
    const search = (uniqueKeys: ReadonlyArray<ReadonlyArray<string>>) =>
      InsertStatement.makeSearch("platform", "ocsf_network_activity", uniqueKeys)?.text

    assert.strictEqual(
      search([["other"], key.toReversed()]),
      "select (position_in_batch - 1)::int4 as position from unnest($1::text[], $2::uuid[], $3::timestamptz[]) " +
        "with ordinality as given (\"tenant_id\", \"ingest_id\", \"time\", position_in_batch) " +
        "left join lateral (select true as is_there from \"platform\".\"ocsf_network_activity\" as there " +
        "where there.\"tenant_id\" = " +
        "given.\"tenant_id\" and there.\"ingest_id\" = given.\"ingest_id\" and there.\"time\" = given.\"time\" limit 1) " +
        "as found on true where is_there is null"
    )
    assert.isUndefined(search([["time"], [...key, "partition"]]))
  })

  it("make tables whose key begins with the tenant", () => {
    const text = TableDefinition.create("platform", "logs")

    assert.include(
      text,
      "\"tenant_id\" text default 'default' not null, \"timestamp\" timestamptz not null, " +
        "\"id\" uuid default gen_random_uuid() not null"
    )
    assert.include(text, "primary key (\"tenant_id\", \"timestamp\", \"id\")")
  })

  it("make hypertables by the day, with compression and retention", () => {
    const statements = [
      ...Timescale.setUp("platform", "logs"),
      ...Timescale.setRetention("platform", "logs", Duration.days(2))
    ]

    assert.deepStrictEqual(statements.map((statement) => statement.replace(/\s+/g, " ")), [
      "select create_hypertable('\"platform\".\"logs\"', 'timestamp', chunk_time_interval => interval '1 day')",
      "alter table \"platform\".\"logs\" set (timescaledb.compress, timescaledb.compress_segmentby = 'tenant_id', " +
      "timescaledb.compress_orderby = '\"timestamp\" desc')",
      "select add_compression_policy('\"platform\".\"logs\"', compress_after => interval '2 days')",
      "select remove_retention_policy('\"platform\".\"logs\"', if_exists => true)",
      "select add_retention_policy('\"platform\".\"logs\"', drop_after => interval '172800 seconds', if_not_exists => true)"
    ])
  })
})

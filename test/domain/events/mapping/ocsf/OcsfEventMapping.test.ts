import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CloudEvent from "../../../../../src/domain/events/decode/CloudEvent.ts"
import * as OcsfEventMapping from "../../../../../src/domain/events/mapping/ocsf/OcsfEventMapping.ts"
import { context, storedAtMicros } from "../../context.ts"

const event = { id: "X", class_uid: 1008, category_uid: "1", type_uid: 100_801, activity_id: 1.0 }
const here = context("events.ocsf.processed")
const rowOf = (object: Readonly<Record<string, unknown>>) =>
  Result.getOrThrow(OcsfEventMapping.map(CloudEvent.element(object, undefined), here, 4))

describe("OcsfEventMapping", () => {
  it("fills in what an event leaves out, without a null where the table wants a document", () => {
    assert.deepStrictEqual(rowOf(event), {
      tenant_id: "acme",
      id: "id-4",
      time: storedAtMicros,
      class_uid: 1008,
      category_uid: 1,
      type_uid: 100_801,
      activity_id: 1,
      activity_name: null,
      severity_id: 1,
      severity: "Informational",
      message: null,
      status_id: null,
      status: null,
      status_code: null,
      status_detail: null,
      metadata: "{}",
      observables: "[]",
      trace_id: null,
      span_id: null,
      actor: "{}",
      device: "{}",
      src_endpoint: "{}",
      dst_endpoint: "{}",
      log_name: "events.ocsf.processed",
      log_provider: null,
      log_level: null,
      log_version: null,
      unmapped: "{}",
      raw_data: JSON.stringify(event)
    })
  })

  it("keeps an id that is a UUID", () => {
    const id = "0B9FF1F4-6E0C-4B44-9A5C-0A7D1F7B5F10"

    assert.strictEqual(rowOf({ ...event, id }).id, id.toLowerCase())
  })

  it("keeps what has no column where the event brings its own raw data", () => {
    const row = rowOf({ ...event, raw_data: "<13>x", unmapped: "text", device: "sw-1", finding_info: { uid: "f" } })

    assert.strictEqual(row.raw_data, "<13>x")
    assert.deepStrictEqual(JSON.parse(String(row.unmapped)), {
      unmapped: "text",
      device: "sw-1",
      finding_info: { uid: "f" }
    })
    assert.strictEqual(rowOf({ ...event, raw_data: "<13>x", unmapped: { a: 1 } }).unmapped, "{\"a\":1}")
  })

  it("takes severity 0 for informational and names the others", () => {
    assert.deepInclude(rowOf({ ...event, severity_id: 0 }), { severity_id: 1, severity: "Informational" })
    assert.deepInclude(rowOf({ ...event, severity_id: "5" }), { severity_id: 5, severity: "Critical" })
  })

  it.each(["id", "class_uid", "category_uid", "type_uid", "activity_id"])("refuses an event without %s", (key) => {
    for (const value of [undefined, "", 0]) {
      const { [key]: _, ...rest }: Record<string, unknown> = event
      if (key === "activity_id" && value === 0) continue
      const changed = value === undefined ? rest : { ...rest, [key]: value }
      const mapped = OcsfEventMapping.map(CloudEvent.element(changed, undefined), here, 0)

      assert.deepStrictEqual(Result.isFailure(mapped) && mapped.failure.path, [key])
    }
  })
})

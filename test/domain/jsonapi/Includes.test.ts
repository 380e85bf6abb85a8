import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result } from "effect"
import { exposed } from "../../../src/domain/core/PublicResources.ts"
import { Device } from "../../../src/domain/inventory/devices/Device.ts"
import * as Bodies from "../../../src/domain/jsonapi/Bodies.ts"
import * as Query from "../../../src/domain/jsonapi/Query.ts"
import { superSystem } from "../../../src/domain/records/Actor.ts"
import { faults } from "../../../src/domain/resource/Relationship.ts"

const resources = new Map(exposed.map((one) => [one.definition.name, one]))
const definition = Device.definition

const now = DateTime.makeUnsafe("2026-03-05T12:00:00Z")
const surroundings = { actor: superSystem, arguments: {}, now }

const parse = (query: string) => Query.parse(definition, new URLSearchParams(query), surroundings, resources)

const refusal = (query: string) => {
  const parsed = parse(query)
  return Result.isFailure(parsed) ? parsed.failure.map(({ detail }) => detail).join("; ") : ""
}

describe("Relationships", () => {
  it("lead from each resource to one that is there", () => {
    assert.deepStrictEqual(faults(exposed.map((one) => one.definition)), [])
  })

  it("that lead nowhere are found", () => {
    const wrong = {
      ...definition,
      relationships: { home: { kind: "belongs_to", resource: "house", by: "ip" } as const }
    }
    assert.deepStrictEqual(faults([wrong]), ["home of device: there is no resource house"])
  })

  it("are asked for by name, and further from there", () => {
    const parsed = parse("include=group.parent,interfaces&fields[device]=hostname,group&fields[interface]=if_name")
    assert.isTrue(Result.isSuccess(parsed))
    if (Result.isFailure(parsed)) return
    const { fields, include } = parsed.success
    assert.deepStrictEqual(include.map(({ branches, name }) => [name, branches.map((one) => one.name)]), [
      ["group", ["parent"]],
      ["interfaces", []]
    ])
    assert.deepStrictEqual([...fields.get("interface") ?? []], ["if_name"])
  })

  it("are refused with what there is, and no deeper than three", () => {
    assert.match(
      refusal("include=owner"),
      /device has no relationship owner to include, expected one of group, interfaces/
    )
    assert.match(refusal("include=group.parent.parent.parent"), /at most 3 relationships/)
    assert.match(refusal("fields[interface]=secret"), /interface has no field secret/)
    assert.match(refusal("fields[house]=door"), /is not understood/)
  })

  it("to one other are set by a write, where the action takes them", () => {
    const { create } = Device.actions
    const id = "a0000000-0000-4000-8000-000000000001"
    const body = (relationships: object) =>
      Bodies.parse(definition, create, undefined, JSON.stringify({ data: { type: "device", id: "x", relationships } }))
    const sent = (groupId: string | null, pointer: string) =>
      Result.succeed({
        values: { uid: "x", groupId },
        pointers: new Map([["groupId", pointer], ["uid", "/data/id"]])
      })
    const group = "/data/relationships/group/data"
    assert.deepStrictEqual(body({ group: { data: { type: "device-group", id } } }), sent(id, `${group}/id`))
    assert.deepStrictEqual(body({ group: { data: null } }), sent(null, group))
    assert.isTrue(Result.isFailure(body({ group: { data: { type: "device", id } } })))
    assert.isTrue(Result.isFailure(body({ interfaces: { data: [] } })))
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Device } from "../../../src/domain/inventory/devices/Device.ts"
import * as Bodies from "../../../src/domain/jsonapi/Bodies.ts"

const { definition } = Device
const { actions } = definition

const sent = (body: unknown) => {
  const { create } = actions
  assert.isDefined(create)
  return create === undefined ? undefined : Bodies.parse(definition, create, undefined, JSON.stringify(body))
}

const pointerOf = (body: unknown) => {
  const found = sent(body)
  return found === undefined || Result.isSuccess(found) ? undefined : found.failure.source
}

describe("The body of a write", () => {
  it("is refused where it is not as it should be, at a place that it has", () => {
    const pointers: ReadonlyArray<readonly [unknown, string]> = [
      [{}, ""],
      [[], ""],
      [{ data: null }, "/data"],
      [{ data: {} }, "/data"],
      [{ data: { type: 5 } }, "/data/type"],
      [{ data: { type: "device", attributes: null } }, "/data/attributes"],
      [{ data: { type: "device", attributes: [] } }, "/data/attributes"],
      [{ data: { type: "device", relationships: [] } }, "/data/relationships"],
      [{ data: { type: "device", id: 7 } }, "/data/id"]
    ]

    for (const [body, pointer] of pointers) assert.deepStrictEqual(pointerOf(body), { pointer }, JSON.stringify(body))
  })

  it("names its key once, or twice alike", () => {
    const both = (uid: string) => ({ data: { type: "device", id: "dev-3", attributes: { uid } } })

    assert.deepStrictEqual(pointerOf(both("dev-2")), { pointer: "/data/attributes/uid" })
    assert.isUndefined(pointerOf(both("dev-3")))
  })
})

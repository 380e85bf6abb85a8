import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Attributes from "../../../../src/domain/events/comparing/Attributes.ts"
import { reasons } from "../../../../src/domain/events/comparing/Reasons.ts"

const difference = (left: string, right: string) => {
  const [one, other] = [Attributes.read(left), Attributes.read(right)]
  assert.isDefined(one)
  assert.isDefined(other)
  return one === undefined || other === undefined ? undefined : Attributes.difference(one, other)
}

const json = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,3}$/),
  fc.oneof(fc.boolean(), fc.integer(), fc.constant([1]), fc.string())
)

describe("Attributes", () => {
  it("are the same text in any order, and another for any other value", () => {
    fc.assert(fc.property(json, json, (one, other) => {
      const turned = Object.fromEntries(Object.entries(one).reverse())
      assert.strictEqual(Attributes.canonical(JSON.stringify(one)), Attributes.canonical(JSON.stringify(turned)))
      const sorted = (map: object) => JSON.stringify(Object.entries(map).sort(([a], [b]) => a < b ? -1 : 1))
      assert.strictEqual(
        Attributes.canonical(JSON.stringify(one)) === Attributes.canonical(JSON.stringify(other)),
        sorted(one) === sorted(other)
      )
    }))
  })

  it.each([
    [`{"a":false}`, `{}`],
    [`{"a":0}`, `{"b":0}`],
    [`{"a":[1]}`, `{"a":[2]}`],
    [`{"a":"1"}`, `{"a":1}`],
    [`{"n":9007199254740993}`, `{"n":9007199254740992}`]
  ])("%s and %s differ, as both are JSON", (left, right) => {
    assert.notStrictEqual(Attributes.canonical(left), Attributes.canonical(right))
    assert.isUndefined(difference(left, right))
  })

  it.each([
    ["a=1,b=x", `{"b":"x","a":1}`, []],
    ["a=x,y,b=2", `{"a":"x,y","b":2}`, []],
    ["a=200.000000", `{"a":200}`, []],
    ["a=", `{"a":""}`, []],
    ["b=x", `{"b":"x","a":null}`, []],
    ["b=x", `{"b":"x","a":false,"c":0,"d":[1],"e":{"f":1}}`, [reasons.leftOut]],
    ["b=x", `b=x,d=[1;2],c=0`, [reasons.leftOut]],
    ["a=0.333333", `{"a":0.3333333333}`, [reasons.fractions]],
    ["b=x", `{"b":"y"}`, undefined],
    ["b=x", `{"b":"x","a":true}`, undefined],
    ["b=x,a=1", `{"b":"x"}`, undefined],
    ["a=0.333333", `{"a":0.4}`, undefined],
    ["a=9007199254740993", `{"a":9007199254740992}`, undefined]
  ])("%s of the Go services against %s", (left, right, expected) => {
    assert.deepStrictEqual(difference(left, right), expected)
  })
})

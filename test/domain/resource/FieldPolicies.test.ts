import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { changedNames, changesText, shownText } from "../../../src/domain/records/Record.ts"
import * as FieldPolicies from "../../../src/domain/resource/FieldPolicies.ts"
import { publicFields } from "../../../src/domain/resource/PublicFields.ts"
import { Attribute, declare, Expression as E, hidden, revealed } from "../../../src/services/resource/index.ts"

const Person = declare({
  name: "person",
  table: "people",
  key: "id",
  actor: { name: Attribute.text(), role: Attribute.oneOf(["clerk", "doctor"]), isRoot: Attribute.boolean },
  bypass: (actor) => E.equals(actor.isRoot, true),
  attributes: {
    id: Attribute.text(),
    name: Attribute.text(),
    born: Attribute.integer,
    illness: Attribute.text().optional(),
    password: Attribute.text().sensitive(),
    note: Attribute.text().private()
  }
})
  .reveals(({ actor, only, record }) => [
    only(["password"]),
    only(["illness", "born"], E.or(E.equals(actor.role, "doctor"), E.equals(record.name, actor.name))),
    only(["illness"], E.differs(record.name, "Ada"))
  ])
  .computes(({ record }) => ({
    isOld: E.lessThan(record.born, 1950),
    initials: E.concat(record.name, ".")
  }))
  .does((on) => ({ read: on.read() }))

const { definition } = Person
const now = DateTime.makeUnsafe("2026-03-05T12:00:00Z")
const olga = { id: "1", name: "Olga", born: 1940, illness: "flu", password: "secret", note: "x" }
const as = (name: string, role: "clerk" | "doctor", isRoot = false) => ({
  actor: { name, role, isRoot },
  arguments: {},
  now
})

describe("A field policy", () => {
  it("shows a value to whom it names, and a marker to everybody else; what is computed of it goes with it", () => {
    assert.deepStrictEqual(revealed(Person, olga, as("Vera", "clerk")), {
      id: "1",
      name: "Olga",
      born: hidden,
      illness: hidden,
      password: hidden,
      isOld: hidden,
      initials: "Olga."
    })
    assert.deepInclude(revealed(Person, olga, as("Olga", "clerk")), { born: 1940, illness: "flu", isOld: true })
    assert.deepInclude(revealed(Person, olga, as("Dan", "doctor")), { born: 1940, illness: "flu", password: hidden })
  })

  it("holds together with the others of its field, and does not hold when it is not known to", () => {
    const ada = { ...olga, name: "Ada" }
    assert.deepInclude(revealed(Person, ada, as("Dan", "doctor")), { born: 1940, illness: hidden })
    const nobody = { actor: {}, arguments: {}, now }
    assert.isFalse(FieldPolicies.isShown(definition, "born", olga, nobody))
  })

  it("counts for nobody whom the resource lets bypass its policies, but where it is for nobody at all", () => {
    const root = as("Root", "clerk", true)
    assert.deepInclude(revealed(Person, olga, root), { born: 1940, illness: "flu", password: hidden })
    assert.isTrue(FieldPolicies.isOpen(definition, "born", root))
    assert.isFalse(FieldPolicies.isOpen(definition, "password", root))
  })

  it("opens a field to questions only where all records show it", () => {
    const openTo = (name: string, role: "clerk" | "doctor") =>
      [...publicFields(definition), "id"].filter((field) => FieldPolicies.isOpen(definition, field, as(name, role)))
    assert.deepStrictEqual(openTo("Olga", "clerk"), ["name", "initials", "id"])
    assert.deepStrictEqual(openTo("Dan", "doctor"), ["name", "born", "isOld", "initials", "id"])
  })

  it("leaves no value in audit entries and events, whoever will read them", () => {
    const later = { ...olga, born: 1941, name: "Olja", password: "other" }
    const names = changedNames(definition, olga, later)
    assert.deepStrictEqual(names, ["name", "born", "password"])
    assert.deepStrictEqual(JSON.parse(changesText(definition, names, olga, later)), {
      name: ["Olga", "Olja"],
      born: [hidden, hidden]
    })
    const shown = { id: "1", name: "Olga", born: hidden, illness: hidden }
    assert.deepStrictEqual(JSON.parse(shownText(definition, olga)), shown)
    // That it is null is a value too.
    assert.deepStrictEqual(JSON.parse(shownText(definition, { ...olga, illness: null })), shown)
  })

  it("cannot hide what names a record, and what is not there", () => {
    assert.deepStrictEqual(FieldPolicies.faults(definition), [])
    const literal = { _tag: "Literal", kind: "boolean", value: false } as const
    assert.deepStrictEqual(FieldPolicies.faults({ ...definition, reveals: { id: literal, age: literal } }), [
      "id is the key of person and cannot be hidden",
      "person has no attribute age to hide"
    ])
    // @ts-expect-error there is no such attribute
    Person.reveals(({ only }) => [only(["age"])])
  })
})

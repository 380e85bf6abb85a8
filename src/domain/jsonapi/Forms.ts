/**
 * What a form for an action asks for, from its declaration: whoever shows forms needs to know nothing of the resource.
 *
 * Of an asker, only the actions that may be allowed to them on some record; which ones, the record decides.
 */
import { type Json, toJson } from "../records/Record.ts"
import type { Attribute } from "../resource/Attribute.ts"
import type { Kind, Value } from "../resource/expression/Kind.ts"
import type { Surroundings } from "../resource/expression/Node.ts"
import { simplify } from "../resource/expression/Simplify.ts"
import * as Policies from "../resource/Policies.ts"
import type { Definition } from "../resource/Resource.ts"
import { type Exposed, fieldName, type Named, routesOf } from "./Wire.ts"

type Input = "text" | "textarea" | "number" | "integer" | "checkbox" | "datetime" | "select" | "list" | "reference"

interface FormField {
  readonly name: string
  readonly label: string
  readonly input: Input
  readonly required: boolean
  /** Whether it can be left empty again. */
  readonly nullable: boolean
  readonly default?: Json
  readonly choices?: ReadonlyArray<string>
  readonly length_max?: number
  readonly items_max?: number
  /** The type of the record that it refers to. */
  readonly resource?: string
}

interface Form {
  readonly action: string
  readonly label: string
  readonly method: "POST" | "PATCH" | "DELETE"
  /** `{key}` is that of the record. */
  readonly path: string
  readonly fields: ReadonlyArray<FormField>
  /** The states of the records that it can be done with, and the one that it leads to. */
  readonly from?: ReadonlyArray<string>
  readonly to?: string
}

/** Longer texts are written in several lines. */
const lineMax = 1024

const inputs: Readonly<Record<Kind, Input>> = {
  text: "text",
  uuid: "text",
  integer: "integer",
  float: "number",
  boolean: "checkbox",
  instant: "datetime",
  text_list: "list"
}

const label = (name: string): string => {
  const words = fieldName(name).replaceAll("_", " ")
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}

const inputOf = ({ kind, traits: { bounds } }: Attribute<Value>, resource: string | undefined): Input => {
  if (resource !== undefined) return "reference"
  if (bounds.choices !== undefined) return "select"
  return kind === "text" && (bounds.lengthMax ?? 0) > lineMax ? "textarea" : inputs[kind]
}

const fieldOf = (
  { relationships }: Definition,
  isCreate: boolean,
  [name, attribute]: readonly [string, Attribute<Value>]
): FormField => {
  const { presence, traits: { bounds, default: otherwise } } = attribute
  const resource = Object.values(relationships).find(({ by, kind }) => kind === "belongs_to" && by === name)?.resource
  return {
    name: fieldName(name),
    label: label(name),
    input: inputOf(attribute, resource),
    required: isCreate && presence === "required",
    nullable: presence === "optional",
    ...(isCreate && otherwise._tag === "Value" ? { default: toJson(otherwise.value) } : {}),
    ...(bounds.choices === undefined ? {} : { choices: bounds.choices }),
    ...(bounds.lengthMax === undefined ? {} : { length_max: bounds.lengthMax }),
    ...(bounds.itemsMax === undefined ? {} : { items_max: bounds.itemsMax }),
    ...(resource === undefined ? {} : { resource })
  }
}

const formOf = (
  definition: Definition,
  { action: { accepts, given, kind, move }, name }: Named,
  at: Pick<Form, "method" | "path">
): Form => {
  const isCreate = kind === "create"
  const accepted = accepts.flatMap((one): ReadonlyArray<FormField> => {
    const attribute = definition.attributes[one]
    return attribute === undefined || (!isCreate && attribute.traits.isImmutable)
      ? []
      : [fieldOf(definition, isCreate, [one, attribute])]
  })
  return {
    action: fieldName(name),
    label: label(name),
    ...at,
    fields: [...accepted, ...Object.entries(given).map((entry) => fieldOf(definition, true, entry))],
    ...(move === undefined || isCreate ? {} : { from: move.from, to: move.to })
  }
}

const formsOf = (base: string, exposed: Exposed, surroundings: Surroundings): ReadonlyArray<Form> => {
  const { definition } = exposed
  const { create, destroy, update, updates } = routesOf(exposed)
  const home = `${base}/${definition.collection}`
  const all: ReadonlyArray<readonly [Named | undefined, Pick<Form, "method" | "path">]> = [
    [create, { method: "POST", path: home }],
    [update, { method: "PATCH", path: `${home}/{key}` }],
    ...[...updates].map(([name, named]) => [named, { method: "PATCH", path: `${home}/{key}/${name}` }] as const),
    [destroy, { method: "DELETE", path: `${home}/{key}` }]
  ]
  return all.flatMap(([named, at]) => {
    if (named === undefined) return []
    const may = simplify(Policies.condition(definition, named.name), surroundings)
    return may._tag === "Literal" && may.value !== true ? [] : [formOf(definition, named, at)]
  })
}

/** By the type of the resource. */
export const document = (base: string, exposed: ReadonlyArray<Exposed>, surroundings: Surroundings) => ({
  forms: Object.fromEntries(exposed.map((one) => [one.definition.name, formsOf(base, one, surroundings)]))
})

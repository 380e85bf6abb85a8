/**
 * `filter[field]=v` and `filter[field][op]=v` as conditions. What is private is not there; nothing here says that it exists. What is
 * hidden from whoever asks is refused.
 */
import { Result } from "effect"
import type { Answer, Kind } from "../resource/expression/Kind.ts"
import type { Comparison, Node, Surroundings } from "../resource/expression/Node.ts"
import * as FieldPolicies from "../resource/FieldPolicies.ts"
import { publicField } from "../resource/PublicFields.ts"
import type { Definition } from "../resource/Resource.ts"
import { ofHiddenField, ofParameter, type Problem } from "./Problem.ts"
import * as Values from "./Values.ts"
import { declared } from "./Wire.ts"

const comparisons: Readonly<Record<string, Comparison>> = {
  eq: "=",
  not_eq: "<>",
  greater_than: ">",
  gt: ">",
  greater_than_or_equal: ">=",
  gte: ">=",
  less_than: "<",
  lt: "<",
  less_than_or_equal: "<=",
  lte: "<="
}

const operators = [...Object.keys(comparisons), "in", "is_nil", "contains"]

/** Values of one filter. */
const candidatesMax = 100

const nameOf = ({ attributes, calculations }: Definition, wire: string): string | undefined =>
  declared([...Object.keys(attributes), ...Object.keys(calculations)], wire)

export const field = (definition: Definition, wire: string): Node | undefined => {
  const name = nameOf(definition, wire)
  return name === undefined ? undefined : publicField(definition, name)
}

/** Whether whoever asks is not shown it, at least of some records. */
export const isHidden = (definition: Definition, wire: string, surroundings: Surroundings): boolean => {
  const name = nameOf(definition, wire)
  return name !== undefined && !FieldPolicies.isOpen(definition, name, surroundings)
}

const literal = (kind: Kind, value: Answer): Node => ({ _tag: "Literal", kind, value })

const condition = (of: Node, operator: string, text: string): Result.Result<Node, string> => {
  const comparison = Object.hasOwn(comparisons, operator) ? comparisons[operator] : undefined
  if (of.kind === "text_list") {
    return operator === "contains" || operator === "eq"
      ? Result.map(Values.parse("text", text), (value): Node => ({
        _tag: "Has",
        kind: "boolean",
        list: of,
        item: literal("text", value)
      }))
      : operator === "is_nil"
      ? nothing(of, text)
      : Result.fail("a list can be asked for contains and is_nil")
  }
  if (comparison !== undefined) {
    return Result.map(Values.parse(of.kind, text), (value): Node => ({
      _tag: "Compare",
      kind: "boolean",
      comparison,
      left: of,
      right: literal(of.kind, value)
    }))
  }
  switch (operator) {
    case "in": {
      const texts = text.split(",")
      if (texts.length > candidatesMax) return Result.fail(`at most ${candidatesMax} values`)
      return Result.map(
        Result.all(texts.map((one) => Values.parse(of.kind, one))),
        (values): Node => ({
          _tag: "OneOf",
          kind: "boolean",
          of,
          candidates: values.map((value) => literal(of.kind, value))
        })
      )
    }
    case "is_nil":
      return nothing(of, text)
    case "contains":
      return of.kind === "text"
        ? Result.map(Values.parse("text", text), (value): Node => ({
          _tag: "TextTest",
          kind: "boolean",
          test: "contains",
          of,
          what: literal("text", value)
        }))
        : Result.fail("only a text can be asked for contains")
    default:
      return Result.fail(`one of the operators ${operators.join(", ")}`)
  }
}

const nothing = (of: Node, text: string): Result.Result<Node, string> =>
  Result.map(Values.parse("boolean", text), (value): Node => {
    const isNull: Node = { _tag: "IsNull", kind: "boolean", of }
    return value === true ? isNull : { _tag: "Not", kind: "boolean", of: isNull }
  })

export const parse = (
  definition: Definition,
  parameter: string,
  text: string,
  surroundings: Surroundings
): Result.Result<Node, Problem> => {
  const [, wire = "", operator = "eq"] = /^filter\[([^\]]*)\](?:\[([^\]]*)\])?$/.exec(parameter) ?? []
  const of = field(definition, wire)
  if (of === undefined) {
    return Result.fail(ofParameter(parameter, `${definition.name} has no field ${wire} to filter by`))
  }
  if (isHidden(definition, wire, surroundings)) return Result.fail(ofHiddenField(parameter, definition.name, wire))
  return Result.mapError(
    condition(of, operator, text),
    (expected) => ofParameter(parameter, `${JSON.stringify(text)} is not taken, expected ${expected}`)
  )
}

/** What the query of an address asks of a resource. Whatever is not understood is refused, and all of it at once. */
import { Option, Result } from "effect"
import * as Order from "../records/Order.ts"
import type { Node, Surroundings } from "../resource/expression/Node.ts"
import type { Definition } from "../resource/Resource.ts"
import * as Cursors from "./Cursors.ts"
import * as Filters from "./Filters.ts"
import * as Includes from "./Includes.ts"
import { ofHiddenField, ofParameter, type Problem } from "./Problem.ts"
import { declared } from "./Wire.ts"

const limitDefault = 50
export const limitMax = 500
const offsetMax = 100_000
const filtersMax = 20
const sortsMax = 5

/** Fields to show of each resource, by its name, in the API's names; all of one that is not there. */
export type Fields = ReadonlyMap<string, ReadonlySet<string>>

export interface Query {
  readonly fields: Fields
  readonly include: ReadonlyArray<Includes.Branch>
  readonly where: Node | undefined
  readonly order: ReadonlyArray<Order.Sorting>
  /** In the words of the request. */
  readonly orderText: string
  readonly limit: number
  readonly offset: number | undefined
  readonly place: Order.Place | undefined
  readonly isCounted: boolean
}

const sortings = (
  definition: Definition,
  text: string,
  surroundings: Surroundings
): Result.Result<ReadonlyArray<Order.Sorting>, Problem> => {
  const parts = text === "" ? [] : text.split(",")
  if (parts.length > sortsMax) return Result.fail(ofParameter("sort", `at most ${sortsMax} fields`))
  return Result.all(parts.map((part) => {
    const wire = part.replace(/^-/, "")
    const of = Filters.field(definition, wire)
    if (of !== undefined && Filters.isHidden(definition, wire, surroundings)) {
      return Result.fail(ofHiddenField("sort", definition.name, wire))
    }
    return of === undefined || of.kind === "text_list"
      ? Result.fail(ofParameter("sort", `${definition.name} has no field ${wire} to sort by`))
      : Result.succeed({ of, isDescending: part.startsWith("-") })
  }))
}

const number = (
  query: URLSearchParams,
  parameter: string,
  { least, most }: { readonly least: number; readonly most: number }
): Result.Result<number | undefined, Problem> => {
  const text = query.get(parameter)
  if (text === null) return Result.succeed(undefined)
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
  return value >= least && value <= most
    ? Result.succeed(value)
    : Result.fail(
      ofParameter(parameter, `${JSON.stringify(text)} is not taken, expected a whole number from ${least} to ${most}`)
    )
}

const placeOf = (
  query: URLSearchParams,
  orderText: string,
  order: ReadonlyArray<Order.Sorting>
): Result.Result<Order.Place | undefined, Problem> => {
  const sides = (["after", "before"] as const).filter((side) => query.has(`page[${side}]`))
  const [side] = sides
  if (side === undefined) return Result.succeed(undefined)
  if (sides.length > 1) {
    return Result.fail(ofParameter("page[before]", "page[after] and page[before] exclude each other"))
  }
  const text = query.get(`page[${side}]`) ?? ""
  // Before nothing is the end of the list.
  if (text === "" && side === "before") return Result.succeed({ side })
  return Option.match(Cursors.parse(text, orderText, order), {
    onNone: () => Result.fail(ofParameter(`page[${side}]`, "is no place in a list that is sorted so")),
    onSome: (values) => Result.succeed({ side, values })
  })
}

const known = new Set(["sort", "include", "page[limit]", "page[offset]", "page[after]", "page[before]", "page[count]"])

const sparse = /^fields\[([^\]]*)\]$/

const unknowns = (query: URLSearchParams): ReadonlyArray<Problem> =>
  [...new Set(query.keys())].flatMap((parameter) => {
    if (query.getAll(parameter).length > 1) return [ofParameter(parameter, "is given more than once")]
    return known.has(parameter) || parameter.startsWith("filter[") || sparse.test(parameter)
      ? []
      : [ofParameter(parameter, "is not understood")]
  })

const isField = (definition: Definition, field: string): boolean =>
  Filters.field(definition, field) !== undefined || declared(Object.keys(definition.relationships), field) !== undefined

/** Of the resource that is asked, and of any that comes with it. */
const fieldsOf = (
  definition: Definition,
  query: URLSearchParams,
  resources: Includes.Resources
): Result.Result<Fields, Problem> =>
  Result.map(
    Result.all([...query].flatMap(([parameter, text]) => {
      const [, name] = sparse.exec(parameter) ?? []
      if (name === undefined) return []
      const of = name === definition.name ? definition : resources.get(name)?.definition
      if (of === undefined) return [Result.fail(ofParameter(parameter, "is not understood"))]
      const fields = text.split(",").filter((field) => field !== "")
      const stranger = fields.find((field) => !isField(of, field))
      return [
        stranger === undefined
          ? Result.succeed([of.name, new Set(fields)] as const)
          : Result.fail(ofParameter(parameter, `${of.name} has no field ${stranger}`))
      ]
    })),
    (entries) => new Map(entries)
  )

const filters = (
  definition: Definition,
  query: URLSearchParams,
  surroundings: Surroundings
): ReadonlyArray<Result.Result<Node, Problem>> => {
  const asked = [...query].filter(([parameter]) => parameter.startsWith("filter["))
  return asked.length > filtersMax
    ? [Result.fail(ofParameter("filter", `at most ${filtersMax} filters`))]
    : asked.map(([parameter, text]) => Filters.parse(definition, parameter, text, surroundings))
}

const failureOf = <A>(part: Result.Result<A, Problem>): ReadonlyArray<Problem> =>
  Result.isFailure(part) ? [part.failure] : []

const alone: Includes.Resources = new Map()

const plain = new WeakMap<Definition, Query>()

/** Of a request that asks for nothing more; found out once. */
const plainOf = (definition: Definition): Query => {
  const known = plain.get(definition)
  if (known !== undefined) return known
  const made: Query = {
    fields: new Map(),
    include: [],
    where: undefined,
    order: Order.complete(definition, []),
    orderText: "",
    limit: limitDefault,
    offset: undefined,
    place: undefined,
    isCounted: false
  }
  plain.set(definition, made)
  return made
}

/** Of whoever asks: what is hidden from them is nothing to ask by. */
export const parse = (
  definition: Definition,
  query: URLSearchParams,
  surroundings: Surroundings,
  resources: Includes.Resources = alone
): Result.Result<Query, ReadonlyArray<Problem>> => {
  if (query.size === 0) return Result.succeed(plainOf(definition))
  const orderText = query.get("sort") ?? ""
  const sorted = sortings(definition, orderText, surroundings)
  const order = Order.complete(definition, Result.getOrElse(sorted, () => []))
  const fields = fieldsOf(definition, query, resources)
  const include = Includes.parse(definition, query.get("include") ?? "", resources, surroundings)
  const parts = {
    limit: number(query, "page[limit]", { least: 1, most: limitMax }),
    offset: number(query, "page[offset]", { least: 0, most: offsetMax }),
    place: placeOf(query, orderText, order)
  }
  const conditions = filters(definition, query, surroundings)
  const count = query.get("page[count]") ?? "false"
  const problems = [
    ...unknowns(query),
    ...failureOf(sorted),
    ...failureOf(fields),
    ...failureOf(include),
    ...failureOf(parts.limit),
    ...failureOf(parts.offset),
    ...failureOf(parts.place),
    ...conditions.flatMap(failureOf),
    ...(["true", "false"].includes(count) ? [] : [ofParameter("page[count]", "expected true or false")])
  ]
  if (problems.length > 0) return Result.fail(problems)
  const where = conditions.flatMap((one) => Result.isSuccess(one) ? [one.success] : [])
  const value = <A>(part: Result.Result<A | undefined, Problem>): A | undefined =>
    Result.isSuccess(part) ? part.success : undefined
  return Result.succeed({
    fields: Result.getOrElse(fields, () => new Map()),
    include: Result.getOrElse(include, () => []),
    where: where.length === 0 ? undefined : { _tag: "And", kind: "boolean", parts: where },
    order,
    orderText,
    limit: value(parts.limit) ?? limitDefault,
    offset: value(parts.offset),
    place: value(parts.place),
    isCounted: count === "true"
  })
}

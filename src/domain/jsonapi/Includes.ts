/**
 * What a request wants beside its records: `include=group,group.parent` as a tree of relationships, so deep and so wide that
 * nobody can ask for a whole database.
 */
import { Result } from "effect"
import type { Surroundings } from "../resource/expression/Node.ts"
import * as FieldPolicies from "../resource/FieldPolicies.ts"
import type { Relationship } from "../resource/Relationship.ts"
import type { Definition } from "../resource/Resource.ts"
import { ofHiddenField, ofParameter, type Problem } from "./Problem.ts"
import { declared, type Exposed, fieldName } from "./Wire.ts"

const pathsMax = 10
const depthMax = 3

/** Records that go with those of an answer, all together. */
export const includedMax = 1000

/** What can be asked for, by name. */
export type Resources = ReadonlyMap<string, Exposed>

/** A relationship to what can be asked for itself. */
export interface Related {
  readonly name: string
  readonly relationship: Relationship
  readonly target: Exposed
}

/** A relationship whose records are wanted, and what is wanted with those. */
export interface Branch extends Related {
  readonly branches: ReadonlyArray<Branch>
}

export const related = ({ relationships }: Definition, resources: Resources): ReadonlyArray<Related> =>
  Object.entries(relationships).flatMap(([name, relationship]) => {
    const target = resources.get(relationship.resource)
    return target === undefined ? [] : [{ name, relationship, target }]
  })

const branchesOf = (
  definition: Definition,
  paths: ReadonlyArray<ReadonlyArray<string>>,
  resources: Resources,
  surroundings: Surroundings
): Result.Result<ReadonlyArray<Branch>, Problem> => {
  const all = related(definition, resources)
  const firsts = [...new Set(paths.flatMap(([first]) => first === undefined ? [] : [first]))]
  return Result.all(firsts.map((first) => {
    const name = declared(all.map((one) => one.name), first)
    const found = all.find((one) => one.name === name)
    if (found === undefined) {
      const known = all.map((one) => fieldName(one.name)).join(", ")
      const expected = known === "" ? "" : `, expected one of ${known}`
      return Result.fail(
        ofParameter("include", `${definition.name} has no relationship ${first} to include${expected}`)
      )
    }
    const { relationship: { by, kind }, target } = found
    const holder = kind === "belongs_to" ? definition : target.definition
    if (!FieldPolicies.isOpen(holder, by, surroundings)) {
      return Result.fail(ofHiddenField("include", holder.name, fieldName(by)))
    }
    const further = paths.flatMap(([own, ...rest]) => own === first && rest.length > 0 ? [rest] : [])
    return Result.map(
      branchesOf(target.definition, further, resources, surroundings),
      (branches): Branch => ({ ...found, branches })
    )
  }))
}

export const parse = (
  definition: Definition,
  text: string,
  resources: Resources,
  surroundings: Surroundings
): Result.Result<ReadonlyArray<Branch>, Problem> => {
  const paths = text === "" ? [] : text.split(",").map((path) => path.split("."))
  if (paths.length > pathsMax) return Result.fail(ofParameter("include", `at most ${pathsMax} paths`))
  return paths.some(({ length }) => length > depthMax)
    ? Result.fail(ofParameter("include", `at most ${depthMax} relationships in a path`))
    : branchesOf(definition, paths, resources, surroundings)
}

/**
 * Checks a supervisor's options without starting anything: what types cannot refuse is named by its field.
 *
 * `check` accepts exactly what a start accepts, and reports every problem at once.
 */
import * as Schema from "effect/Schema"
import { type AutoShutdown, autoShutdowns } from "../AutoShutdown.ts"
import type { Provider } from "../ChildState.ts"
import { describe } from "../FailureText.ts"
import type { RestartIntensityInput } from "../RestartIntensity.ts"
import { strategies } from "../Strategy.ts"
import { type CheckedChild, childProblems, idProblems, millisOf, oneOf, type Problem } from "./ChildCheck.ts"
import { providerPlaces, useProblems } from "./ServiceUse.ts"

export class InvalidChildSpec extends Schema.TaggedError<InvalidChildSpec>()("InvalidChildSpec", {
  supervisor: Schema.String,
  /** Absent when a field of the supervisor itself is wrong. */
  child: Schema.optionalKey(Schema.String),
  field: Schema.String,
  value: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    const where = this.child === undefined ? this.supervisor : `${this.supervisor}/${this.child}`
    return `${where}: ${this.field} is ${this.value}, expected ${this.expected}`
  }
}

export interface CheckedSupervisor {
  readonly id: string
  readonly strategy: string
  readonly intensity: RestartIntensityInput
  readonly autoShutdown: AutoShutdown
  readonly children: ReadonlyArray<CheckedChild>
}

/**
 * Every problem of a supervisor and its children; empty when it can be started. Services that nobody in the list lends
 * are left to the supervisor above, unless this is the topmost.
 */
export const check = (supervisor: CheckedSupervisor, isTopmost = true): ReadonlyArray<InvalidChildSpec> => {
  const seen = new Set<string>()
  const places = providerPlaces(supervisor.children)
  return [
    ...supervisorProblems(supervisor).map(invalid(supervisor.id)),
    ...supervisor.children.flatMap((child, place) => {
      const duplicate: ReadonlyArray<Problem> = seen.has(child.id) ? [["id", child.id, "an id no sibling has"]] : []
      seen.add(child.id)
      const problems = [
        ...duplicate,
        ...childProblems(child, supervisor.autoShutdown),
        ...useProblems(child, place, places, supervisor.strategy, isTopmost)
      ]
      return problems.map(invalid(supervisor.id, child.id))
    })
  ]
}

/** The services that a list of children needs from a supervisor further up. */
export const usesFromAbove = (children: ReadonlyArray<CheckedChild>): ReadonlyArray<Provider> => {
  const places = providerPlaces(children)
  return [...new Set(children.flatMap(({ uses = [] }) => uses.filter((provider) => !places.has(provider))))]
}

/** Where a child that is added later stands: after all others. */
export interface Siblings {
  readonly strategy: string
  readonly children: ReadonlyArray<CheckedChild>
}

/** Every problem of one child that is to run under a supervisor, after its siblings. */
export const checkChild = (
  supervisor: string,
  autoShutdown: AutoShutdown,
  child: CheckedChild,
  siblings: Siblings = { strategy: "one_for_one", children: [] }
): ReadonlyArray<InvalidChildSpec> =>
  [
    ...childProblems(child, autoShutdown),
    ...(child.uses === undefined || child.uses.length === 0 ? [] : useProblems(
      child,
      siblings.children.length,
      providerPlaces(siblings.children),
      siblings.strategy,
      true
    ))
  ].map(invalid(supervisor, child.id))

/** Every problem of a dynamic supervisor. */
export const checkDynamic = (
  id: string,
  intensity: RestartIntensityInput,
  maxChildren: number
): ReadonlyArray<InvalidChildSpec> => {
  const isCount = maxChildren === Number.POSITIVE_INFINITY || (Number.isInteger(maxChildren) && maxChildren > 0)
  const limit: ReadonlyArray<Problem> = isCount ? [] : [["maxChildren", maxChildren, "a whole number above 0"]]
  return [...idProblems(id), ...intensityProblems(intensity), ...limit].map(invalid(id))
}

/** A value that stands for one running supervisor was put into a second tree while it runs in a first. */
export const inTwoTrees = (path: string, id: string): InvalidChildSpec =>
  invalid(path.slice(0, -(id.length + 1)), id)(["spec", id, "a value that runs in no other tree: declare one for each"])

const invalid = (supervisor: string, child?: string) => ([field, value, expected]: Problem): InvalidChildSpec =>
  new InvalidChildSpec({
    supervisor: nameOf(supervisor),
    ...(child === undefined ? {} : { child: nameOf(child) }),
    field,
    value: describe(typeof value === "string" ? JSON.stringify(value) : value),
    expected
  })

/** Where types are not looked at, an id can be anything. */
const nameOf = (id: unknown): string => typeof id === "string" ? id : describe(id)

const supervisorProblems = (supervisor: CheckedSupervisor): ReadonlyArray<Problem> => [
  ...idProblems(supervisor.id),
  ...oneOf("strategy", supervisor.strategy, strategies),
  ...oneOf("autoShutdown", supervisor.autoShutdown, autoShutdowns),
  ...intensityProblems(supervisor.intensity)
]

const intensityProblems = ({ maxRestarts, period }: RestartIntensityInput): ReadonlyArray<Problem> => {
  const problems: Array<Problem> = []
  if (!Number.isInteger(maxRestarts) || maxRestarts < 0) {
    problems.push(["intensity.maxRestarts", maxRestarts, "a whole number of at least 0"])
  }
  const millis = millisOf(period)
  if (!(millis > 0 && Number.isFinite(millis))) {
    problems.push(["intensity.period", period, "a finite duration above zero"])
  }
  return problems
}

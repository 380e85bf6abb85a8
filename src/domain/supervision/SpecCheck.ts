/**
 * Checks a supervisor's options without starting anything: what types cannot refuse is named by its field.
 *
 * `check` accepts exactly what a start accepts, and reports every problem at once.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { type AutoShutdown, autoShutdowns } from "./AutoShutdown.ts"
import { restarts } from "./ChildExit.ts"
import * as ChildId from "./ChildId.ts"
import { describe } from "./FailureText.ts"
import type { RestartIntensityInput } from "./RestartIntensity.ts"
import type * as Shutdown from "./Shutdown.ts"
import { strategies } from "./Strategy.ts"
import type { ChildDeclaration, Provider } from "./SupervisorState.ts"

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

/** What the check looks at of a child. */
export interface CheckedChild extends Pick<ChildDeclaration, "id" | "kind" | "restart" | "significant"> {
  readonly shutdown: Shutdown.ShutdownInput
  readonly heartbeat?: Duration.Input | undefined
  readonly startTimeout?: Duration.Input | undefined
  readonly backoff?: { readonly resetAfter?: Duration.Input } | undefined
  readonly provider?: Provider | undefined
  readonly uses?: ReadonlyArray<Provider>
}

export interface CheckedSupervisor {
  readonly id: string
  readonly strategy: string
  readonly intensity: RestartIntensityInput
  readonly autoShutdown: AutoShutdown
  readonly children: ReadonlyArray<CheckedChild>
}

type Problem = readonly [field: string, value: unknown, expected: string]

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
export const inTwoTrees = (supervisor: string, id: string): InvalidChildSpec =>
  invalid(supervisor, id)(["spec", id, "a value that runs in no other tree: declare one for each"])

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

const childProblems = (child: CheckedChild, autoShutdown: AutoShutdown): ReadonlyArray<Problem> => [
  ...idProblems(child.id),
  ...oneOf("restart", child.restart, restarts),
  ...shutdownProblems(child),
  ...significanceProblems(child, autoShutdown),
  ...periodProblems("heartbeat", child.heartbeat),
  ...periodProblems("startTimeout", child.startTimeout),
  ...(child.backoff === undefined ? [] : resetProblems(child.backoff.resetAfter)),
  ...(child.provider === undefined || child.restart !== "temporary"
    ? []
    : [["restart", child.restart, "permanent | transient for a child that lends a service"] satisfies Problem])
]

const providerPlaces = (children: ReadonlyArray<CheckedChild>): ReadonlyMap<Provider, number> =>
  new Map(children.flatMap(({ provider }, place) => provider === undefined ? [] : [[provider, place] as const]))

/** A user is restarted with its provider only behind it, and only under a strategy that parts them never. */
const useProblems = (
  { uses = [] }: CheckedChild,
  place: number,
  places: ReadonlyMap<Provider, number>,
  strategy: string,
  isTopmost: boolean
): ReadonlyArray<Problem> =>
  uses.flatMap((provider): ReadonlyArray<Problem> => {
    const providerPlace = places.get(provider)
    if (providerPlace === undefined) {
      return isTopmost ? [["uses", provider.id, "a service of a child in the same list or further up"]] : []
    }
    if (providerPlace >= place) return [["uses", provider.id, "a service of a child that stands before it"]]
    return strategy === "one_for_one"
      ? [["uses", provider.id, "the strategy rest_for_one or one_for_all, which restart it with its provider"]]
      : []
  })

const periodProblems = (field: string, period: Duration.Input | undefined): ReadonlyArray<Problem> => {
  if (period === undefined) return []
  const millis = millisOf(period)
  return millis > 0 && Number.isFinite(millis) ? [] : [[field, period, "a finite duration above zero"]]
}

const resetProblems = (resetAfter: Duration.Input | undefined): ReadonlyArray<Problem> =>
  resetAfter === undefined || millisOf(resetAfter) >= 0
    ? []
    : [["backoff.resetAfter", resetAfter, "a duration of at least zero"]]

const idProblems = (id: unknown): ReadonlyArray<Problem> => ChildId.isValid(id) ? [] : [["id", id, ChildId.expectation]]

const oneOf = (field: string, value: string, allowed: ReadonlyArray<string>): ReadonlyArray<Problem> =>
  allowed.includes(value) ? [] : [[field, value, allowed.join(" | ")]]

const shutdownProblems = (child: CheckedChild): ReadonlyArray<Problem> => {
  const { shutdown } = child
  if (child.kind !== "worker") {
    // A supervisor cut short would leave its own children behind.
    return shutdown === "infinity" ? [] : [["shutdown", shutdown, "infinity, for a supervisor stops its own children"]]
  }
  if (shutdown === "brutal" || shutdown === "infinity") return []
  return millisOf(shutdown) >= 0 ? [] : [["shutdown", shutdown, "brutal | infinity | a duration"]]
}

const significanceProblems = (child: CheckedChild, autoShutdown: AutoShutdown): ReadonlyArray<Problem> => {
  if (typeof child.significant !== "boolean") return [["significant", child.significant, "true | false"]]
  if (!child.significant) return []
  if (child.restart === "permanent") return [["significant", true, "false for a permanent child, which never ends"]]
  return autoShutdown === "never" ? [["significant", true, "false while autoShutdown is never"]] : []
}

/** Not a number when the input is no duration at all: `NaN` becomes zero on its way into a Duration. */
const millisOf = (input: Duration.Input): number => {
  if (typeof input === "number") return input
  const duration = Duration.fromInput(input)
  return duration._tag === "Some" ? Duration.toMillis(duration.value) : Number.NaN
}

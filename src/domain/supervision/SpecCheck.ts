/**
 * Checks a supervisor's options without starting anything: what types cannot refuse is named by its field.
 *
 * `check` accepts exactly what a start accepts, and reports every problem at once.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { type AutoShutdown, autoShutdowns } from "./AutoShutdown.ts"
import { restarts } from "./ChildExit.ts"
import type { RestartIntensityInput } from "./RestartIntensity.ts"
import type * as Shutdown from "./Shutdown.ts"
import { strategies } from "./Strategy.ts"
import type { ChildDeclaration } from "./SupervisorState.ts"

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
}

export interface CheckedSupervisor {
  readonly id: string
  readonly strategy: string
  readonly intensity: RestartIntensityInput
  readonly autoShutdown: AutoShutdown
  readonly children: ReadonlyArray<CheckedChild>
}

type Problem = readonly [field: string, value: unknown, expected: string]

/** Every problem of a supervisor and its children; empty when it can be started. */
export const check = (supervisor: CheckedSupervisor): ReadonlyArray<InvalidChildSpec> => {
  const seen = new Set<string>()
  return [
    ...supervisorProblems(supervisor).map(invalid(supervisor.id)),
    ...supervisor.children.flatMap((child) => {
      const duplicate: ReadonlyArray<Problem> = seen.has(child.id) ? [["id", child.id, "an id no sibling has"]] : []
      seen.add(child.id)
      return [...duplicate, ...childProblems(child, supervisor.autoShutdown)].map(invalid(supervisor.id, child.id))
    })
  ]
}

/** Every problem of one child that is to run under a supervisor. */
export const checkChild = (
  supervisor: string,
  autoShutdown: AutoShutdown,
  child: CheckedChild
): ReadonlyArray<InvalidChildSpec> => childProblems(child, autoShutdown).map(invalid(supervisor, child.id))

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

const invalid = (supervisor: string, child?: string) => ([field, value, expected]: Problem): InvalidChildSpec =>
  new InvalidChildSpec({
    supervisor,
    ...(child === undefined ? {} : { child }),
    field,
    value: typeof value === "string" ? JSON.stringify(value) : String(value),
    expected
  })

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
  ...(child.heartbeat === undefined || (millisOf(child.heartbeat) > 0 && Number.isFinite(millisOf(child.heartbeat)))
    ? []
    : [["heartbeat", child.heartbeat, "a finite duration above zero"] satisfies Problem])
]

const idProblems = (id: unknown): ReadonlyArray<Problem> =>
  typeof id === "string" && id !== "" ? [] : [["id", id, "a name"]]

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

/** Not a number when the input is no duration at all. */
const millisOf = (input: Duration.Input): number => {
  const duration = Duration.fromInput(input)
  return duration._tag === "Some" ? Duration.toMillis(duration.value) : Number.NaN
}

/** What is wrong with a child by itself, whatever its siblings are. */
import * as Duration from "effect/Duration"
import { type AutoShutdown } from "../AutoShutdown.ts"
import { restarts } from "../ChildExit.ts"
import * as ChildId from "../ChildId.ts"
import type { ChildDeclaration, Provider } from "../ChildState.ts"
import type * as Shutdown from "../Shutdown.ts"
import { type MailboxLimit, whenFulls } from "./MailboxLimit.ts"

/** A field, what it is, and what was expected in its place. */
export type Problem = readonly [field: string, value: unknown, expected: string]

/** What the check looks at of a child. */
export interface CheckedChild extends Pick<ChildDeclaration, "id" | "kind" | "restart" | "significant"> {
  readonly shutdown: Shutdown.ShutdownInput
  readonly heartbeat?: Duration.Input | undefined
  readonly startTimeout?: Duration.Input | undefined
  readonly backoff?: { readonly resetAfter?: Duration.Input } | undefined
  readonly mailbox?: MailboxLimit | undefined
  readonly provider?: Provider | undefined
  readonly uses?: ReadonlyArray<Provider>
}

export const childProblems = (child: CheckedChild, autoShutdown: AutoShutdown): ReadonlyArray<Problem> => [
  ...idProblems(child.id),
  ...oneOf("restart", child.restart, restarts),
  ...shutdownProblems(child),
  ...significanceProblems(child, autoShutdown),
  ...periodProblems("heartbeat", child.heartbeat),
  ...periodProblems("startTimeout", child.startTimeout),
  ...(child.mailbox === undefined ? [] : mailboxProblems(child.mailbox)),
  ...(child.backoff === undefined ? [] : resetProblems(child.backoff.resetAfter)),
  ...(child.provider === undefined || child.restart !== "temporary"
    ? []
    : [["restart", child.restart, "permanent | transient for a child that lends a service"] satisfies Problem])
]

const periodProblems = (field: string, period: Duration.Input | undefined): ReadonlyArray<Problem> => {
  if (period === undefined) return []
  const millis = millisOf(period)
  return millis > 0 && Number.isFinite(millis) ? [] : [[field, period, "a finite duration above zero"]]
}

const mailboxProblems = ({ capacity, whenFull }: MailboxLimit): ReadonlyArray<Problem> => [
  ...(isCount(capacity) ? [] : [["capacity", capacity, "a whole number above 0"] satisfies Problem]),
  ...oneOf("whenFull", whenFull, whenFulls)
]

const resetProblems = (resetAfter: Duration.Input | undefined): ReadonlyArray<Problem> =>
  resetAfter === undefined || millisOf(resetAfter) >= 0
    ? []
    : [["backoff.resetAfter", resetAfter, "a duration of at least zero"]]

export const idProblems = (id: unknown): ReadonlyArray<Problem> =>
  ChildId.isValid(id) ? [] : [["id", id, ChildId.expectation]]

export const oneOf = (field: string, value: string, allowed: ReadonlyArray<string>): ReadonlyArray<Problem> =>
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
export const millisOf = (input: Duration.Input): number => {
  if (typeof input === "number") return input
  const duration = Duration.fromInput(input)
  return duration._tag === "Some" ? Duration.toMillis(duration.value) : Number.NaN
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0

/**
 * What a person reads when a command fails: the message of the error, and nothing of how the program is built.
 *
 * The stack appears with `--log-level debug` (or `trace`, `all`), because then somebody wants to know.
 */
import { Cause, Runtime } from "effect"

const causeDepthMax = 5

const describe = (error: unknown, depth: number): string => {
  if (!(error instanceof Error)) return typeof error === "string" ? error : JSON.stringify(error) ?? String(error)
  if (error.message !== "") return error.message
  const name = "_tag" in error && typeof error._tag === "string" ? error._tag : error.name
  return error.cause === undefined || depth >= causeDepthMax ? name : `${name}: ${describe(error.cause, depth + 1)}`
}

/** Undefined when the error has been shown already, or the end was asked for. */
export const render = (cause: Cause.Cause<unknown>, withStack: boolean): string | undefined => {
  if (Cause.hasInterruptsOnly(cause)) return undefined
  const error = Cause.squash(cause)
  if (!Runtime.getErrorReported(error)) return undefined
  if (withStack) return `serviceradar: ${Cause.pretty(cause)}`
  const text = describe(error, 0).trim()
  const isBug = !Cause.hasFails(cause)
  return isBug
    ? `serviceradar: internal error: ${text} (run again with --log-level debug to see where)`
    : `serviceradar: ${text}`
}

/** Whether the arguments ask for detail. Read here because the parser itself may be what failed. */
export const wantsStack = (args: ReadonlyArray<string>): boolean => {
  const at = args.findIndex((arg) => arg === "--log-level" || arg.startsWith("--log-level="))
  const level = at === -1 ? undefined : args[at]?.split("=")[1] ?? args[at + 1]
  return level !== undefined && ["all", "trace", "debug"].includes(level)
}

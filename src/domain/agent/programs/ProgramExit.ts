/** How a checker's program ended, and what that says of starting it again. */

/**
 * `completed`: of itself, with 0, which a checker should not; `refused`: it does not want its arguments or its configuration
 * (64 and 78 of sysexits.h); `unstartable`: it could not be run; `killed`: by SIGKILL, as the kernel does for want of memory;
 * `crashed`: by a signal that tells of a bug; `ended`: by any other signal; `unwell`: it ran and was not healthy in time.
 */
export type ExitClass =
  | "completed"
  | "failed"
  | "refused"
  | "unstartable"
  | "killed"
  | "crashed"
  | "ended"
  | "unwell"

export interface ProgramExit {
  readonly kind: ExitClass
  /** A sentence's end: `ended with 3`. */
  readonly text: string
}

const crashSignals = new Set(["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGSYS", "SIGTRAP"])
const refusals = new Map([[64, "its arguments"], [78, "its configuration"]])

/** Shells and containers tell a signal by 128 and its number. */
const signalNumbers = new Map([[9, "SIGKILL"], [15, "SIGTERM"], [6, "SIGABRT"], [11, "SIGSEGV"], [7, "SIGBUS"]])

const bySignal = (signal: string): ProgramExit => {
  if (signal === "SIGKILL") {
    return { kind: "killed", text: "was killed (SIGKILL), by the kernel for want of memory or by hand" }
  }
  if (crashSignals.has(signal)) return { kind: "crashed", text: `crashed (${signal})` }
  return { kind: "ended", text: `was ended (${signal})` }
}

export const classify = (code: number | null, signal: string | null): ProgramExit => {
  if (code === null) return bySignal(signal ?? "an unknown signal")
  if (code === 0) return { kind: "completed", text: "ended of itself with 0, though it should go on" }
  const refused = refusals.get(code)
  if (refused !== undefined) return { kind: "refused", text: `ended with ${code}: it does not take ${refused}` }
  if (code === 126 || code === 127) return { kind: "unstartable", text: `ended with ${code}: it could not be run` }
  const signalled = signalNumbers.get(code - 128)
  return signalled === undefined ? { kind: "failed", text: `ended with ${code}` } : bySignal(signalled)
}

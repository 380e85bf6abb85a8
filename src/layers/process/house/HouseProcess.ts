/**
 * A process beside this one that does for it what would hold up its first thread. It ends when this one does, however that
 * ends: the pipe between them closes.
 */
import { type ChildProcess, type SerializationType, spawn } from "node:child_process"

export interface HouseCode {
  /** A file, or the code itself: the published command is one bundle. */
  readonly code: string
  readonly isText: boolean
}

export interface HouseParts {
  readonly code: HouseCode
  /** What it is told at its start. */
  readonly options: unknown
  readonly env: Readonly<Record<string, string>>
  readonly serialization: SerializationType
  readonly heard: (message: unknown) => void
  /** Once, with how it ended, or why it could not be started. */
  readonly ended: (reason: string) => void
}

export interface House {
  readonly isUsable: () => boolean
  /** In order; nothing, when it has ended. */
  readonly tell: (message: object) => void
  readonly end: () => void
  readonly kill: () => void
}

/** Collections and compilers of its threads have no threads of theirs, and little room for what is new. */
const flags = ["--max-semi-space-size=1", "--single-threaded-gc", "--no-maglev", "--v8-pool-size=1"]

const isUsable = ({ connected, exitCode, signalCode }: ChildProcess): boolean =>
  connected && exitCode === null && signalCode === null

export const start = ({ code: { code, isText }, ended, env, heard, options, serialization }: HouseParts): House => {
  const child = spawn(process.execPath, [...flags, isText ? "-" : code, JSON.stringify(options)], {
    env,
    serialization,
    stdio: [isText ? "pipe" : "ignore", "ignore", "ignore", "ipc"]
  })
  child.stdin?.on("error", () => {})
  child.stdin?.end(code)
  child.on("message", heard)
  let hasEnded = false
  const end = (reason: string) => {
    if (hasEnded) return
    hasEnded = true
    ended(reason)
  }
  child.on("error", ({ message }) => {
    // A signal that did not reach it is an error, too.
    if (!isUsable(child)) end(message)
  })
  child.on("exit", (code, signal) => end(`it ended with ${code ?? signal ?? "nothing"}`))
  // It does not keep this process alive.
  child.unref()
  child.channel?.unref()
  return {
    isUsable: () => isUsable(child),
    tell: (message) => {
      if (child.connected) child.send(message, () => {})
    },
    end: () => {
      if (child.connected) child.disconnect()
    },
    kill: () => void child.kill("SIGKILL")
  }
}

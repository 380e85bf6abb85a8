/**
 * Starts programs, each the leader of a process group of its own, so that all it has started can be ended with it. Nothing of
 * Effect: the process that starts programs has only what it needs.
 */
import { spawn } from "node:child_process"
import * as SystemPriority from "../priority/SystemPriority.ts"

export interface Order {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly folder: string
  /** The whole of its environment. */
  readonly env: Readonly<Record<string, string>>
  /** As `nice` has it: how much less of a processor than this process it gets; 0 is as much. */
  readonly givesWayBy: number
}

export type Stream = "stdout" | "stderr"

export interface Heard {
  readonly started: (pid: number) => void
  /** Nothing more of the stream is read before the promise is kept. */
  readonly printed: (stream: Stream, part: Buffer) => void | Promise<void>
  /** It could not be started; nothing follows. */
  readonly failed: (message: string) => void
  readonly exited: (code: number | null, signal: string | null) => void
  /** It has ended, and all that it printed was heard. */
  readonly closed: () => void
}

export interface Program {
  /** To all of its group; kept until it has started. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** What it prints is not read any more. */
  readonly deafen: () => void
}

export type Begin = (order: Order, heard: Heard) => Program

/** Nobody may be left in the group. */
export const killGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal)
  } catch {
    // See above.
  }
}

const lower = (pid: number, by: number): void => {
  if (by === 0) return
  SystemPriority.lower(pid, SystemPriority.below(by))
  SystemPriority.lowerSession(pid, by)
}

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** By this process. */
export const begin: Begin = ({ args, env, file, folder, givesWayBy }, heard) => {
  try {
    const child = spawn(file, args, { cwd: folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"] })
    const { pid, stderr, stdout } = child
    if (pid !== undefined) {
      lower(pid, givesWayBy)
      heard.started(pid)
    }
    for (const [name, stream] of [["stdout", stdout], ["stderr", stderr]] as const) {
      stream.on("data", (part: Buffer) => {
        const taken = heard.printed(name, part)
        if (taken === undefined) return
        stream.pause()
        void taken.then(() => stream.resume())
      })
    }
    child.on("error", (error) => {
      if (pid === undefined) heard.failed(error.message)
    })
    child.on("exit", heard.exited)
    child.on("close", () => {
      if (pid !== undefined) heard.closed()
    })
    return {
      signal: (signal) => {
        if (pid !== undefined) killGroup(pid, signal)
      },
      deafen: () => {
        stdout.destroy()
        stderr.destroy()
      }
    }
  } catch (error) {
    // Such as arguments that are too long for the system.
    queueMicrotask(() => heard.failed(messageOf(error)))
    return { signal: () => {}, deafen: () => {} }
  }
}

/**
 * A process beside this one that does for it what would hold up its first thread. It ends when this one does, however that
 * ends: the pipe between them closes.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { Socket } from "node:net"
import * as HouseLines from "./HouseLines.ts"

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
  /** Node's own channel, which takes buffers, or lines of JSON, where code of others may write to the same file. */
  readonly link: "channel" | "lines"
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

interface Link {
  readonly isOpen: () => boolean
  readonly tell: (message: object) => void
  readonly end: () => void
  /** It does not keep this process alive. */
  readonly unref: () => void
}

const overChannel = (child: ChildProcess, { heard }: HouseParts): Link => {
  child.on("message", heard)
  return {
    isOpen: () => child.connected,
    tell: (message) => {
      if (child.connected) child.send(message, () => {})
    },
    end: () => {
      if (child.connected) child.disconnect()
    },
    unref: () => child.channel?.unref()
  }
}

const overLines = (socket: Socket, closed: (reason: string) => void, { heard }: HouseParts): Link => {
  HouseLines.read(socket, heard, closed)
  return {
    isOpen: () => socket.writable,
    tell: (message) => HouseLines.write(socket, message),
    end: () => void socket.destroy(),
    unref: () => void socket.unref()
  }
}

export const start = (parts: HouseParts): House => {
  const { code: { code, isText }, ended, env, options } = parts
  const child = spawn(process.execPath, [...flags, isText ? "-" : code, JSON.stringify(options)], {
    env,
    serialization: "advanced",
    stdio: [isText ? "pipe" : "ignore", "ignore", "ignore", parts.link === "channel" ? "ipc" : "pipe"]
  })
  child.stdin?.on("error", () => {})
  child.stdin?.end(code)
  let hasEnded = false
  const end = (reason: string) => {
    if (hasEnded) return
    hasEnded = true
    ended(reason)
  }
  const kill = () => void child.kill("SIGKILL")
  const socket = child.stdio[3]
  const link = socket instanceof Socket
    ? overLines(socket, (reason) => {
      kill()
      // How it ended says more than that its pipe did.
      setImmediate(() => end(reason))
    }, parts)
    : overChannel(child, parts)
  const isUsable = () => link.isOpen() && child.exitCode === null && child.signalCode === null
  child.on("error", ({ message }) => {
    // A signal that did not reach it is an error, too.
    if (!isUsable()) end(message)
  })
  child.on("exit", (code, signal) => end(`it ended with ${code ?? signal ?? "nothing"}`))
  child.unref()
  link.unref()
  return { isUsable, tell: link.tell, end: link.end, kill }
}

/** The publisher as a process, and what it said it published. */
import * as path from "node:path"
import { ChildProgram } from "../processes/ChildProgram.ts"

const file = path.join(import.meta.dirname, "../peers/publisher.ts")

export interface Published {
  readonly published: number
  readonly poisoned: number
  /** Rows that the messages should give, by table. */
  readonly rows: Readonly<Record<string, number>>
  readonly seconds: number
}

const isPublished = (value: unknown): value is Published & { readonly event: string } =>
  typeof value === "object" && value !== null && "event" in value && "published" in value

const lastOf = (lines: ReadonlyArray<string>, event: string): Published | undefined => {
  for (const line of lines.toReversed()) {
    if (!line.startsWith("{")) continue
    const value: unknown = JSON.parse(line)
    if (isPublished(value) && value.event === event) return value
  }
  return undefined
}

export interface Publisher {
  readonly pid: number
  readonly isRunning: () => boolean
  readonly published: () => number
  /** Waits for its end; after `stop` that is soon. */
  readonly done: () => Promise<Published>
  readonly stop: () => void
}

export const start = (
  server: string,
  options: Readonly<Record<string, string | number | undefined>>
): Publisher => {
  const args = Object.entries(options).flatMap(([name, value]) => value === undefined ? [] : [`--${name}=${value}`])
  const child = new ChildProgram([file, `--server=${server}`, ...args])
  return {
    pid: child.pid,
    isRunning: () => child.isRunning,
    published: () => lastOf(child.lines, "progress")?.published ?? 0,
    done: async () => {
      await child.ended
      const done = lastOf(child.lines, "done")
      if (done === undefined) throw new Error(`The publisher failed:\n${child.lines.slice(-10).join("\n")}`)
      return done
    },
    stop: () => child.kill("SIGTERM")
  }
}

/** A process of this benchmark whose lines are kept, and which ends with the benchmark. */
import { type ChildProcess, spawn } from "node:child_process"

const linesMax = 2_000
const stopMillis = 30_000

const running = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

export class ChildProgram {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  readonly lines: Array<string> = []

  constructor(args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    running.add(child)
    this.#child = child
    this.#ended = new Promise((resolve) =>
      child.once("exit", () => {
        running.delete(child)
        resolve()
      })
    )
    let rest = ""
    const keep = (chunk: Buffer) => {
      const parts = (rest + chunk.toString("utf8")).split("\n")
      rest = parts.pop() ?? ""
      this.lines.push(...parts)
      if (this.lines.length > linesMax) this.lines.splice(0, this.lines.length - linesMax)
    }
    child.stdout?.on("data", keep)
    child.stderr?.on("data", keep)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get ended(): Promise<void> {
    return this.#ended
  }

  get exitCode(): number | null {
    return this.#child.exitCode
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** By SIGTERM, and by SIGKILL when that takes too long. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), stopMillis)
    this.#child.kill("SIGTERM")
    await this.#ended
    clearTimeout(timer)
  }
}

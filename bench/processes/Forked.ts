/** A process of a benchmark that answers questions. Questions and answers are JSON, one answer for each question. */
import { type ChildProcess, fork } from "node:child_process"

const running = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

export class Forked {
  readonly #child: ChildProcess
  readonly #waiting: Array<{ readonly resolve: (answer: string) => void; readonly reject: (error: Error) => void }> = []

  constructor(script: string, options: object, node: ReadonlyArray<string> = []) {
    const child = fork(script, [JSON.stringify(options)], { execArgv: [...node], stdio: ["ignore", 2, 2, "ipc"] })
    running.add(child)
    this.#child = child
    child.on("message", (answer) => this.#waiting.shift()?.resolve(String(answer)))
    child.once("exit", (code, signal) => {
      running.delete(child)
      for (const { reject } of this.#waiting) reject(new Error(`${script} ended with ${code ?? signal}`))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The answer as JSON. */
  ask(question: object): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#child.send(JSON.stringify(question))
    })
  }

  kill(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return resolve()
      this.#child.once("exit", () => resolve())
      this.#child.kill("SIGKILL")
    })
  }
}

/** In the process itself: its options, and who answers. It ends with the benchmark. */
export const options = (): string => process.argv[2] ?? "{}"

export const answer = (reply: (question: string) => unknown): void => {
  process.once("disconnect", () => process.exit())
  process.on("message", (question) => {
    void Promise.resolve(reply(String(question))).then((value) => process.send?.(JSON.stringify(value)))
  })
}

/** A folder of one host that several of its processes see: one of them has it, and one listens there. */
import { type Cause, Effect, FiberSet, Option, Queue, type Scope } from "effect"
import type { Seeded } from "../../../src/domain/simulation/Seeded.ts"
import type { HandoverSockets, LineConnection } from "../../../src/layers/poller/handover/HandoverSocket.ts"
import * as Process from "../../../src/services/simulation/Process.ts"

const linesMax = 1_024

/** Of a line, on the average: what a busy machine takes until the other process is at it. */
const delayMillis = 20

interface End {
  readonly process: Process.Process
  readonly lines: Queue.Queue<string, Cause.Done>
  /** On their way. */
  readonly sent: Array<string>
}

/** Of the fiber that asks. */
const running = Effect.flatMap(
  Process.Current,
  (process) =>
    process === undefined ? Effect.die(new Error("no process of a simulated world runs this")) : Effect.succeed(process)
)

interface Heard {
  /** A process has sent this line to another. */
  readonly onLine: (process: Process.Process, line: string) => void
  /** What it has said to the other counts no more. */
  readonly onOver: (process: Process.Process) => void
}

export class HostFolder {
  readonly #random: Seeded
  readonly #heard: Heard
  #pids = 0
  #owner: { readonly process: Process.Process; readonly pid: number } | undefined
  #listener: { readonly process: Process.Process; readonly accept: (connection: LineConnection) => void } | undefined

  constructor(random: Seeded, heard: Heard) {
    this.#random = random
    this.#heard = heard
  }

  /** For a process that begins. */
  begin(): HandoverSockets & { readonly hold: Effect.Effect<boolean, never, Scope.Scope> } {
    this.#pids += 1
    const pid = this.#pids
    return {
      pid,
      owner: () => Effect.sync(() => Option.fromUndefinedOr(this.#living()?.pid)),
      connect: () => this.#connect,
      listen: (_folder, serve) => this.#listen(serve),
      /** Whether it has the folder from now on, until the scope closes. */
      hold: Effect.flatMap(running, (process) => this.#hold(process, pid))
    }
  }

  /** In order, whatever each takes. */
  #send({ lines, process, sent }: End, line: string): void {
    sent.push(line)
    process.later(this.#random.exponential(delayMillis), () => {
      const next = sent.shift()
      if (next !== undefined) Queue.offerUnsafe(lines, next)
    })
  }

  #living() {
    return this.#owner?.process.isAlive === true ? this.#owner : undefined
  }

  #hold(process: Process.Process, pid: number): Effect.Effect<boolean, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        const owner = this.#living()
        if (owner !== undefined && owner.process !== process) return false
        this.#owner = { process, pid }
        return true
      }),
      () =>
        Effect.sync(() => {
          if (this.#owner?.process === process) this.#owner = undefined
        })
    )
  }

  readonly #connect: HandoverSockets["connect"] extends (folder: string) => infer A ? A : never = Effect.gen(
    { self: this },
    function*() {
      const process = yield* running
      const listener = this.#listener
      if (listener?.process.isAlive !== true) return Option.none()
      const client: End = { process, lines: yield* Queue.bounded<string, Cause.Done>(linesMax), sent: [] }
      const server: End = {
        process: listener.process,
        lines: yield* Queue.bounded<string, Cause.Done>(linesMax),
        sent: []
      }
      const close = () => {
        this.#heard.onOver(server.process)
        for (const end of [client, server]) end.process.enqueue(() => Queue.endUnsafe(end.lines))
      }
      const connection = (own: End, other: End): LineConnection => ({
        lines: own.lines,
        close: Effect.sync(close),
        send: (line) =>
          Effect.sync(() => {
            this.#heard.onLine(own.process, line)
            this.#send(other, line)
          })
      })
      const forget = [client, server].map(({ process }) => process.onEnd(close))
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          forget.forEach((one) => one())
          close()
        })
      )
      listener.process.enqueue(() => listener.accept(connection(server, client)))
      return Option.some(connection(client, server))
    }
  )

  #listen<R>(serve: (connection: LineConnection) => Effect.Effect<void, never, R | Scope.Scope>) {
    return Effect.gen({ self: this }, function*() {
      const process = yield* running
      const run = yield* FiberSet.runtime(yield* FiberSet.make())<Exclude<R, Scope.Scope>>()
      const accept = (connection: LineConnection) =>
        void run(Effect.ensuring(Effect.scoped(serve(connection)), connection.close))
      const listener = { process, accept }
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          this.#listener = listener
        }),
        () =>
          Effect.sync(() => {
            if (this.#listener === listener) this.#listener = undefined
          })
      )
    })
  }
}

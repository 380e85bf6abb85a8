/**
 * Real nats-servers for tests: each scope has its own, with a file store in a folder that goes with it.
 *
 * The program is found once per run (see `globalSetup.ts`). Where none can be had, starting one fails and says how to get
 * one; tests that need no NATS are not touched by that.
 */
import { Duration, Effect, Exit, Option, Scope } from "effect"
import * as crypto from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { inject } from "vitest"
import * as NatsReady from "../../src/layers/nats/server/NatsReady.ts"
import * as FreePort from "../../src/layers/process/endpoint/FreePort.ts"
import * as ServerProcess from "../../src/layers/process/ServerProcess.ts"
import { SetupFailed } from "../../src/layers/process/SetupFailed.ts"
import { temporaryFolder } from "./temporaryFolder.ts"

export interface NatsServer {
  readonly url: string
  readonly port: number
  /** Where the streams are kept. */
  readonly directory: string
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  /** Sends the signal and waits until the process is gone. */
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Ends the process if it still runs, and starts another one on the same port and files. */
  readonly restart: Effect.Effect<void, SetupFailed>
  readonly lastLines: () => ReadonlyArray<string>
}

export interface NatsServerOptions {
  /** Where the streams are kept; by default a temporary folder. */
  readonly directory?: string
  /** By default any that is free. */
  readonly port?: number
  /** More of the settings of JetStream. */
  readonly jetStream?: string
  /** More lines of the server's configuration file. */
  readonly config?: string
  /** Another program than the one found for this run. */
  readonly program?: string
}

const host = "127.0.0.1"
const startLimit = Duration.seconds(20)

/** The program found for this run. */
export const programPath = Effect.suspend(() => {
  const found = inject("natsServerPath")
  return found === ""
    ? Effect.fail(new SetupFailed({ step: "starting a nats-server", detail: inject("natsServerProblem") }))
    : Effect.succeed(found)
})

interface Running {
  readonly process: ServerProcess.ServerProcess
  readonly scope: Scope.Closeable
}

const launch = Effect.fnUntraced(function*(program: string, folder: string, port: number, serverName: string) {
  const scope = yield* Scope.make()
  const process = yield* ServerProcess.spawn({
    command: program,
    args: ["-c", path.join(folder, "nats.conf")],
    cwd: folder,
    account: Option.none(),
    stop: [["SIGTERM", Duration.seconds(5)], ["SIGKILL", Duration.seconds(5)]]
  }).pipe(Scope.provide(scope))
  const ended = Effect.flatMap(
    process.exit,
    () => Effect.fail(new SetupFailed({ step: "starting a nats-server", detail: process.lastLines(20).join("\n") }))
  )
  yield* NatsReady.awaitServer(host, port, serverName, startLimit).pipe(
    Effect.raceFirst(ended),
    Effect.onError(() => Scope.close(scope, Exit.void))
  )
  return { process, scope } satisfies Running
})

/** Starts a server with JetStream on the loopback and waits until it lets clients in. */
export const start = (
  options: NatsServerOptions = {}
): Effect.Effect<NatsServer, SetupFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const program = options.program ?? (yield* programPath)
    const folder = yield* temporaryFolder
    const port = options.port ?? (yield* FreePort.next(host, 0))
    const serverName = `test-${crypto.randomBytes(6).toString("hex")}`
    const directory = options.directory ?? path.join(folder, "store")
    const config = [
      `listen: "${host}:${port}"`,
      `server_name: "${serverName}"`,
      `jetstream { store_dir: ${JSON.stringify(directory)} ${options.jetStream ?? ""} }`,
      options.config ?? ""
    ]
    yield* Effect.promise(() => fs.writeFile(path.join(folder, "nats.conf"), config.join("\n")))
    let running = yield* launch(program, folder, port, serverName)
    yield* Effect.addFinalizer(() => Scope.close(running.scope, Exit.void))
    const restart = Effect.gen(function*() {
      yield* Scope.close(running.scope, Exit.void)
      running = yield* launch(program, folder, port, serverName)
    })
    return {
      url: `nats://${host}:${port}`,
      port,
      directory,
      get pid() {
        return running.process.pid
      },
      kill: (signal) =>
        Effect.suspend(() => {
          process.kill(running.process.pid, signal)
          return Effect.asVoid(running.process.exit)
        }),
      restart: Effect.uninterruptible(restart),
      lastLines: () => running.process.lastLines(50)
    }
  })

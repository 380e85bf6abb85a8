/**
 * A real nats-server with JetStream of our own, as a two-part child of a supervisor.
 *
 * `start` ends when the server has recovered its streams and lets clients in; the `run` of what it gives fails with
 * `NatsExited` when the server process dies, or does not answer any more and is killed. Closing the scope stops it. The server listens on the loopback only, asks for
 * a password, keeps its streams for the next start, and stays on its port as long as nobody else takes it.
 *
 * What the server has acknowledged survives the server's death at any moment; a crash of the whole machine may cost the
 * last seconds (two minutes before nats-server 2.10), because it does not wait for the disk.
 */
import { Duration, Effect, FileSystem, Option, Redacted, Schedule, type Scope, Stream } from "effect"
import type { CertificateFiles } from "../../../domain/security/SecurityConfig.ts"
import type { CredentialSource } from "../../../services/security/Credentials.ts"
import * as DirectoryLock from "../../process/DirectoryLock.ts"
import * as FreePort from "../../process/endpoint/FreePort.ts"
import * as RememberedPort from "../../process/endpoint/RememberedPort.ts"
import * as ServerProcess from "../../process/ServerProcess.ts"
import { describeCause } from "../../process/SetupFailed.ts"
import * as Watchdog from "../../process/Watchdog.ts"
import { NatsExited, NatsInUse, NatsSetupFailed, type NatsStartError } from "../connection/NatsError.ts"
import * as NatsHome from "./NatsHome.ts"
import * as NatsPing from "./NatsPing.ts"
import * as NatsReady from "./NatsReady.ts"
import type { NatsServerBinary } from "./NatsServerBinary.ts"

const defaultPort = 4222

/** What the server is busy with, for whoever waits for it. */
export type Progress = "preparing" | "starting" | "ready"

export interface EmbeddedNatsOptions {
  /** Where streams, password and log are kept. */
  readonly home: string
  /** As `NatsServerBinary.find` gives it. */
  readonly binary: NatsServerBinary
  /** Asked for first; 0 takes any. By default the port of the last run, else 4222. */
  readonly port?: number
  /** How much of the disk the streams may take together. Default 10 GiB; a publish beyond it is refused. */
  readonly storeBytesMax?: number
  readonly onProgress?: (progress: Progress) => Effect.Effect<void>
  /** How long the server may take until it lets clients in. Default 60 s: it reads its streams first. */
  readonly startLimit?: Duration.Duration
  /** How often the server is asked whether it still works. Default 10 s; it is killed after three failures. */
  readonly watchEvery?: Duration.Input
  /** With them nobody gets in without a certificate that their roots verify. Plain text unless told. */
  readonly certificates?: { readonly files: CertificateFiles; readonly source: CredentialSource } | undefined
}

export interface EmbeddedNats {
  /** With user and password. */
  readonly url: Redacted.Redacted
  readonly port: number
  readonly pid: number
  readonly home: string
  /** The server's life: ends only by failing, when the process ends. */
  readonly run: Effect.Effect<never, NatsExited>
}

const stop: ServerProcess.ProcessOptions["stop"] = [
  ["SIGTERM", Duration.seconds(6)],
  ["SIGKILL", Duration.seconds(2)]
]

const exitOf = (server: ServerProcess.ServerProcess): Effect.Effect<never, NatsExited> =>
  Effect.flatMap(
    server.exit,
    ({ code, signal }) => Effect.fail(new NatsExited({ code, signal, lastLogLines: server.lastLines(20) }))
  )

/** Somebody took the port between our look at it and the server's. */
const isPortTaken = (exited: NatsExited): boolean =>
  exited.lastLogLines.some((line) => line.includes("address already in use"))

const choosePort = Effect.fnUntraced(function*(options: EmbeddedNatsOptions, home: NatsHome.NatsHome) {
  const remembered = yield* RememberedPort.read(home.directory)
  const preferred = options.port ?? Option.getOrElse(remembered, () => defaultPort)
  const port = yield* FreePort.next(NatsHome.host, preferred)
  if (port !== preferred && preferred !== 0) {
    yield* Effect.logInfo(`Port ${preferred} is taken: NATS listens on ${port}`)
  }
  return port
})

/** The server reads the files itself, but only when it is told to; what it would refuse is not told. */
const followRenewals = (source: CredentialSource, pid: number) =>
  Stream.runForEach(Stream.drop(source.changes, 1), () =>
    Effect.try({
      try: () => process.kill(pid, "SIGHUP"),
      catch: (cause) => describeCause(cause)
    }).pipe(
      Effect.andThen(Effect.logInfo("NATS shows a renewed certificate to new connections")),
      Effect.catch((reason) => Effect.logError(`NATS keeps its old certificate: ${reason}`))
    )).pipe(Effect.andThen(Effect.never))

/** With the server's own certificate, which its own roots verify. */
const asClient = (source: CredentialSource) =>
  Option.match(source.current(), {
    onNone: () => ({}),
    onSome: (set) => ({
      cert: set.cert,
      key: Redacted.value(set.key),
      ca: set.serverRoots,
      // The socket is connected already, so its address is not known to TLS.
      host: NatsHome.host
    })
  })

/** One attempt: from the choice of a port to the greeting. */
const launch = Effect.fnUntraced(function*(options: EmbeddedNatsOptions, home: NatsHome.NatsHome) {
  const files = yield* FileSystem.FileSystem
  const port = yield* choosePort(options, home)
  const config = yield* NatsHome.writeConfig(home, options.binary, {
    port,
    storeBytesMax: options.storeBytesMax ?? 10 * 1024 ** 3,
    certificates: options.certificates?.files
  })
  const server = yield* ServerProcess.spawn({
    command: options.binary.path,
    args: ["-c", config],
    cwd: home.directory,
    account: Option.none(),
    logFile: `${home.directory}/server.log`,
    stop
  })
  yield* NatsReady.awaitServer(NatsHome.host, port, home.serverName, options.startLimit ?? Duration.seconds(60)).pipe(
    Effect.raceFirst(exitOf(server))
  )
  yield* RememberedPort.write(home.directory, port)
  const account = `${NatsHome.username}:${Redacted.value(home.password)}`
  return {
    url: Redacted.make(`nats://${account}@${NatsHome.host}:${port}`),
    port,
    pid: server.pid,
    home: home.directory,
    run: Effect.raceAllFirst([
      exitOf(server),
      ...(options.certificates === undefined ? [] : [followRenewals(options.certificates.source, server.pid)]),
      Watchdog.watch({
        name: "NATS",
        pid: server.pid,
        directory: NatsHome.storeIn(home.directory),
        ...(options.watchEvery === undefined ? {} : { every: options.watchEvery }),
        ping: Effect.suspend(() =>
          NatsPing.ping({
            host: NatsHome.host,
            port,
            username: NatsHome.username,
            password: home.password,
            secured: options.certificates === undefined ? undefined : asClient(options.certificates.source)
          })
        )
      }).pipe(Effect.provideService(FileSystem.FileSystem, files))
    ])
  }
})

const retryPortTaken = Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(10)])

/** Starts the server and waits until it lets clients in. */
export const start = (
  options: EmbeddedNatsOptions
): Effect.Effect<EmbeddedNats, NatsStartError, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const progress = options.onProgress ?? (() => Effect.void)
    yield* progress("preparing")
    const directory = yield* NatsHome.ensure(options.home)
    yield* DirectoryLock.acquire(directory)
    const home = yield* NatsHome.open(directory)
    yield* progress("starting")
    const server = yield* launch(options, home).pipe(
      Effect.retry({ schedule: retryPortTaken, while: (error) => error._tag === "NatsExited" && isPortTaken(error) })
    )
    yield* progress("ready")
    return server
  }).pipe(
    Effect.catchTags({
      SetupFailed: ({ detail, step }) => Effect.fail(new NatsSetupFailed({ step, detail })),
      DirectoryInUse: ({ directory, pid }) => Effect.fail(new NatsInUse({ directory, pid }))
    }),
    Effect.withSpan("EmbeddedNats.start")
  )

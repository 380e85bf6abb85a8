/**
 * A real PostgreSQL server of our own, as a two-part child of a supervisor.
 *
 * `start` ends when the server answers queries and the database exists; the `run` of what it gives fails with
 * `PostgresExited` when the server process dies, or does not answer any more and is killed. Closing the scope stops it: fast first, then hard. The server listens on
 * the loopback only, keeps its data for the next start, and stays on its port as long as nobody else takes it.
 */
import { Duration, Effect, FileSystem, Option, Redacted, Schedule, type Scope } from "effect"
import type { CredentialSource } from "../../../services/security/Credentials.ts"
import * as DirectoryLock from "../../process/DirectoryLock.ts"
import * as FreePort from "../../process/endpoint/FreePort.ts"
import * as RememberedPort from "../../process/endpoint/RememberedPort.ts"
import * as OrphanProcess from "../../process/OrphanProcess.ts"
import * as SafeDirectory from "../../process/SafeDirectory.ts"
import * as ServerAccount from "../../process/ServerAccount.ts"
import * as ServerProcess from "../../process/ServerProcess.ts"
import * as Watchdog from "../../process/Watchdog.ts"
import * as DataDirectory from "./DataDirectory.ts"
import * as PostgresBinaries from "./PostgresBinaries.ts"
import { PostgresExited, PostgresInUse, PostgresSetupFailed, type PostgresStartError } from "./PostgresError.ts"
import * as PostgresPing from "./PostgresPing.ts"
import * as PostgresReady from "./PostgresReady.ts"
import * as PostmasterPid from "./PostmasterPid.ts"
import * as ServerTls from "./ServerTls.ts"

const host = "127.0.0.1"
const defaultPort = 5433

/** What the server is busy with, for whoever waits for it. */
export type Progress = "preparing" | "initdb" | "starting" | "ready"

export interface EmbeddedPostgresOptions {
  /** Where data, password and log are kept. */
  readonly home: string
  /** Asked for first; 0 takes any. By default the port of the last run, else 5433. */
  readonly port?: number
  /** Created when it is missing. Default `serviceradar`. */
  readonly database?: string
  /** `false` does not wait for the disk: data survives the server, not the machine. For tests. Default `true`. */
  readonly durable?: boolean
  readonly onProgress?: (progress: Progress) => Effect.Effect<void>
  /** How long the server may take until it answers, without initdb. Default 60 s: it may have to recover. */
  readonly startLimit?: Duration.Duration
  /** How often the server is asked whether it still works. Default 10 s; it is killed after three failures. */
  readonly watchEvery?: Duration.Input
  /** Where the programs may be copied to when the server's user cannot run them in place. */
  readonly cachePlaces?: ReadonlyArray<string>
  /** Where data may go when the server's user cannot enter `home`. */
  readonly dataPlaces?: ReadonlyArray<string>
  /** The npm package with the programs; by default the one for this platform. */
  readonly packageName?: string
  /** With it nobody gets in without a certificate that its roots verify. Plain text unless told. */
  readonly certificates?: CredentialSource
}

export interface EmbeddedPostgres {
  /** With the password; for one user and one database. */
  readonly url: Redacted.Redacted
  readonly port: number
  readonly pid: number
  /** The folder really used, which may differ from the wanted one. */
  readonly home: string
  /** The server's life: ends only by failing, when the process ends. */
  readonly run: Effect.Effect<never, PostgresExited>
}

const stop: ServerProcess.ProcessOptions["stop"] = [
  ["SIGINT", Duration.seconds(5)],
  ["SIGQUIT", Duration.seconds(2)],
  ["SIGKILL", Duration.seconds(2)]
]

const settings = (port: number, durable: boolean, tls: ReadonlyArray<string>): ReadonlyArray<string> => [
  `listen_addresses=${host}`,
  `port=${port}`,
  "unix_socket_directories=",
  "max_connections=100",
  "timezone=UTC",
  // Tables of states are stored anew all the time.
  "autovacuum_naptime=20s",
  ...(durable ? [] : ["fsync=off", "full_page_writes=off"]),
  ...tls
]

/** Processes of its predecessor are still there. */
const hasPredecessor = (exited: PostgresExited): boolean =>
  exited.lastLogLines.some((line) => line.includes("pre-existing shared memory block"))

/** Why a server that ended at once is worth another try: somebody took the port, or its predecessor is still ending. */
const isPassing = (exited: PostgresExited): boolean =>
  hasPredecessor(exited) ||
  exited.lastLogLines.some((line) =>
    line.includes("could not bind") || line.includes("could not create any TCP/IP sockets")
  )

/** Those that do not end by themselves: the folder is ours, and the server that they belonged to is gone. */
const endPredecessor = Effect.fnUntraced(function*(directory: DataDirectory.DataDirectory, exited: PostgresExited) {
  if (!hasPredecessor(exited)) return
  const ended = yield* OrphanProcess.endAllIn(directory.data, "postgres")
  if (ended.length === 0) return
  yield* Effect.logWarning(`Ended ${ended.length} processes that a PostgreSQL left behind: ${ended.join(", ")}`)
})

const exitOf = (server: ServerProcess.ServerProcess): Effect.Effect<never, PostgresExited> =>
  Effect.flatMap(
    server.exit,
    ({ code, signal }) => Effect.fail(new PostgresExited({ code, signal, lastLogLines: server.lastLines(20) }))
  )

interface Prepared {
  readonly directory: DataDirectory.DataDirectory
  readonly binaries: PostgresBinaries.PostgresBinaries
  readonly account: Option.Option<ServerAccount.ServerAccount>
}

const databaseDefault = "serviceradar"

/** Of a server of ours with this port and password. */
export const urlOf = (port: number, password: Redacted.Redacted, database: string = databaseDefault) => {
  const secret = encodeURIComponent(Redacted.value(password))
  return Redacted.make(`postgresql://${DataDirectory.username}:${secret}@${host}:${port}/${database}`)
}

/** One attempt: from the choice of a port to the first answer. */
const launch = Effect.fnUntraced(function*(options: EmbeddedPostgresOptions, prepared: Prepared) {
  const files = yield* FileSystem.FileSystem
  const { account, binaries, directory } = prepared
  const remembered = yield* RememberedPort.read(directory.home)
  const preferred = options.port ?? Option.getOrElse(remembered, () => defaultPort)
  const port = yield* FreePort.next(host, preferred)
  if (port !== preferred && preferred !== 0) {
    yield* Effect.logInfo(`Port ${preferred} is taken: PostgreSQL listens on ${port}`)
  }
  const place = { data: directory.data, account }
  const { certificates } = options
  if (certificates !== undefined) yield* ServerTls.install(place, certificates)
  const tls = certificates === undefined ? [] : ServerTls.settings(directory.data)
  const server = yield* ServerProcess.spawn({
    command: binaries.postgres,
    args: ["-D", directory.data, ...settings(port, options.durable ?? true, tls).flatMap((setting) => ["-c", setting])],
    cwd: directory.data,
    account,
    logFile: `${directory.home}/server.log`,
    stop
  })
  const ssl = certificates === undefined ? {} : { ssl: ServerTls.ownOptions(certificates) }
  const address = { host, port, username: DataDirectory.username, password: directory.password, ...ssl }
  const database = options.database ?? databaseDefault
  yield* PostgresReady.awaitDatabase(address, database, options.startLimit ?? Duration.seconds(60)).pipe(
    Effect.raceFirst(exitOf(server))
  )
  yield* RememberedPort.write(directory.home, port)
  return {
    url: urlOf(port, directory.password, database),
    port,
    pid: server.pid,
    home: directory.home,
    run: Effect.raceAllFirst([
      exitOf(server),
      ...(certificates === undefined ? [] : [
        ServerTls.follow(place, certificates, server.pid)
      ]),
      Watchdog.watch({
        name: "PostgreSQL",
        pid: server.pid,
        directory: directory.data,
        ...(options.watchEvery === undefined ? {} : { every: options.watchEvery }),
        ping: PostgresPing.ping(host, port)
      }).pipe(Effect.provideService(FileSystem.FileSystem, files))
    ])
  }
})

const prepare = Effect.fnUntraced(function*(options: EmbeddedPostgresOptions) {
  const progress = options.onProgress ?? (() => Effect.void)
  const account = yield* ServerAccount.find
  const home = yield* DataDirectory.choose(options.home, account, options.dataPlaces ?? SafeDirectory.dataPlaces())
  yield* DirectoryLock.acquire(home)
  const binaries = yield* PostgresBinaries.prepare({
    account,
    cachePlaces: options.cachePlaces ?? SafeDirectory.cachePlaces(),
    ...(options.packageName === undefined ? {} : { packageName: options.packageName })
  })
  const directory = yield* DataDirectory.open(home, binaries, account, progress("initdb"))
  yield* PostmasterPid.clear(directory.data)
  return { account, binaries, directory }
})

const retryPassing = Schedule.max([Schedule.spaced("250 millis"), Schedule.recurs(40)])

/** Starts the server and waits until it answers. */
export const start = (
  options: EmbeddedPostgresOptions
): Effect.Effect<EmbeddedPostgres, PostgresStartError, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const progress = options.onProgress ?? (() => Effect.void)
    yield* progress("preparing")
    const prepared = yield* prepare(options)
    yield* progress("starting")
    const server = yield* launch(options, prepared).pipe(
      Effect.tapErrorTag("PostgresExited", (exited) => endPredecessor(prepared.directory, exited)),
      Effect.retry({ schedule: retryPassing, while: (error) => error._tag === "PostgresExited" && isPassing(error) })
    )
    yield* progress("ready")
    return server
  }).pipe(
    Effect.catchTags({
      SetupFailed: ({ detail, step }) => Effect.fail(new PostgresSetupFailed({ step, detail })),
      DirectoryInUse: ({ directory, pid }) => Effect.fail(new PostgresInUse({ dataDirectory: directory, pid }))
    }),
    Effect.withSpan("EmbeddedPostgres.start")
  )

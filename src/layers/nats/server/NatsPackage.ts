/**
 * The `nats-server` of the system's package, unpacked into a folder of ours without being root.
 *
 * For Debian and Ubuntu. apt checks the signatures, and nothing of the system is changed: the package is not installed,
 * and where the system's package lists are missing or out of date, fresh ones are fetched into a folder that is removed
 * afterwards.
 */
import { Duration, Effect, FileSystem, Option, type Scope } from "effect"
import * as path from "node:path"
import * as ServerProcess from "../../process/ServerProcess.ts"
import { failedAt, SetupFailed } from "../../process/SetupFailed.ts"

const updateLimit = Duration.seconds(120)
const downloadLimit = Duration.seconds(60)
const unpackLimit = Duration.seconds(30)

/** What apt needs to know to get through a proxy. */
const proxyVariables = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"]

const proxies = () =>
  Object.fromEntries(
    proxyVariables.flatMap((name) => [name, name.toUpperCase()]).map((name) => [name, process.env[name]])
  )

const run = (step: string, folder: string, command: string, args: ReadonlyArray<string>, limit: Duration.Duration) =>
  ServerProcess.run(step, { command, args, cwd: folder, account: Option.none(), env: proxies() }, limit)

/** Lists and indexes of our own; which packages are installed is still the system's to say. */
const privateState = (folder: string): ReadonlyArray<string> => [
  "-o",
  `Dir::State=${path.join(folder, "state")}`,
  "-o",
  `Dir::Cache=${path.join(folder, "cache")}`,
  "-o",
  "Dir::State::status=/var/lib/dpkg/status",
  "-o",
  "Acquire::Languages=none",
  // Without a network each further try costs seconds in which nothing else is tried.
  "-o",
  "Acquire::Retries=1",
  // As root apt would go on as another user, who cannot write here.
  "-o",
  "APT::Sandbox::User=root"
]

const update = Effect.fnUntraced(function*(folder: string) {
  const fileSystem = yield* FileSystem.FileSystem
  for (const part of ["state/lists/partial", "cache/archives/partial"]) {
    yield* fileSystem.makeDirectory(path.join(folder, part), { recursive: true }).pipe(
      Effect.mapError(failedAt("making folders for package lists"))
    )
  }
  return yield* run("fetching package lists", folder, "apt-get", ["update", "-q", ...privateState(folder)], updateLimit)
})

const download = (folder: string, state: ReadonlyArray<string>) =>
  run("downloading the package", folder, "apt-get", ["download", "-q", ...state, "nats-server"], downloadLimit)

const withSystemLists = (folder: string) =>
  download(folder, ["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1"])

/** apt ends well even when it could fetch no list; what it said about that then explains why there is no package. */
const withOwnLists = Effect.fnUntraced(function*(folder: string) {
  const said = yield* update(folder)
  const warning = said.split("\n").find((line) => line.startsWith("W: Failed to fetch"))
  return yield* download(folder, privateState(folder)).pipe(
    Effect.mapError(({ detail, step }) =>
      new SetupFailed({ step, detail: warning === undefined ? detail : `${detail} (${warning})` })
    )
  )
})

/** Unpacks the program into `folder` and gives its path there; the folder's scope is the caller's. */
export const unpack = (
  folder: string
): Effect.Effect<string, SetupFailed, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    yield* withSystemLists(folder).pipe(Effect.catch(() => withOwnLists(folder)))
    const names = yield* fileSystem.readDirectory(folder).pipe(Effect.mapError(failedAt(`reading ${folder}`)))
    const archive = names.find((name) => name.endsWith(".deb"))
    if (archive === undefined) {
      return yield* new SetupFailed({ step: "downloading the package", detail: "apt-get left no package behind" })
    }
    yield* run("unpacking the package", folder, "dpkg-deb", ["-x", archive, "unpacked"], unpackLimit)
    return path.join(folder, "unpacked/usr/sbin/nats-server")
  })

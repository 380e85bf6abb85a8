/**
 * The folder of one embedded nats-server: `store/` for its streams, beside it `nats.conf`, `password`, `port` and
 * `server.log`, which are ours, and `nats-server.pid`, which the server writes.
 *
 * A server that a killed program left behind is stopped before another one gets the same store: nats-server has no lock
 * of its own, and two of them would destroy each other's streams.
 */
import { Effect, Option, Redacted, Schema } from "effect"
import * as crypto from "node:crypto"
import * as path from "node:path"
import type { CertificateFiles } from "../../../domain/security/SecurityConfig.ts"
import * as RememberedPort from "../../process/endpoint/RememberedPort.ts"
import * as OrphanProcess from "../../process/OrphanProcess.ts"
import * as OwnFile from "../../process/OwnFile.ts"
import * as ProcessTable from "../../process/ProcessTable.ts"
import * as SafeDirectory from "../../process/SafeDirectory.ts"
import * as NatsReady from "./NatsReady.ts"
import type { NatsServerBinary } from "./NatsServerBinary.ts"

export const host = "127.0.0.1"
export const username = "serviceradar"

export interface NatsHome {
  readonly directory: string
  readonly password: Redacted.Redacted
  /** Tells our server from another one that may have taken its port. */
  readonly serverName: string
}

const stopSignals: ReadonlyArray<NodeJS.Signals> = ["SIGTERM", "SIGKILL"]

export const storeIn = (directory: string): string => path.join(directory, "store")

const pidFileIn = (directory: string) => path.join(directory, "nats-server.pid")

/** By the folder it works in, or, where that cannot be asked, by its name on the port of the last run. */
const isOurServer = Effect.fnUntraced(function*(pid: number, directory: string, serverName: string) {
  if (!Number.isInteger(pid) || pid <= 1 || !(yield* ProcessTable.isRunning(pid))) return false
  if (yield* OrphanProcess.worksIn(pid, directory)) return true
  const port = yield* RememberedPort.read(directory)
  if (process.platform === "linux" || Option.isNone(port)) return false
  const info = yield* Effect.option(NatsReady.greeting(host, port.value))
  return Option.isSome(info) && info.value.server_name === serverName
})

const stopOrphan = Effect.fnUntraced(function*(directory: string, serverName: string) {
  const file = pidFileIn(directory)
  const pid = Number(Option.getOrElse(yield* OwnFile.read(file), () => ""))
  if (yield* isOurServer(pid, directory, serverName)) {
    yield* Effect.logWarning(`Stopping nats-server (process ${pid}), left behind by a program that was killed`)
    yield* OrphanProcess.stop(pid, stopSignals)
  }
  yield* OwnFile.remove(file)
})

/** The password of the first start; a file that a killed start left empty does not count. */
const readOrMakePassword = Effect.fnUntraced(function*(directory: string) {
  const file = path.join(directory, "password")
  const known = yield* OwnFile.read(file)
  if (Option.isSome(known) && known.value !== "") return Redacted.make(known.value)
  const made = crypto.randomBytes(24).toString("base64url")
  yield* OwnFile.write(file, made)
  return Redacted.make(made)
})

/** Afterwards no server runs in the folder; whoever calls this owns it. */
export const open = Effect.fn("NatsHome.open")(function*(directory: string) {
  const digest = crypto.createHash("sha256").update(directory).digest("hex")
  const serverName = `serviceradar-${digest.slice(0, 12)}`
  yield* stopOrphan(directory, serverName)
  return { directory, password: yield* readOrMakePassword(directory), serverName } satisfies NatsHome
})

/** Makes the folder, or takes one that only we can write to; gives its absolute path. */
export const ensure = (directory: string) => SafeDirectory.ensure(path.resolve(directory), 0o700)

export interface ServerSettings {
  readonly port: number
  /** The streams together may take so much of the disk. */
  readonly storeBytesMax: number
  /** With them nobody gets in without a certificate. */
  readonly certificates: CertificateFiles | undefined
}

/** What is in `nats.conf` of it. */
const TlsBlock = Schema.Struct({
  cert_file: Schema.String,
  key_file: Schema.String,
  ca_file: Schema.String
})

const tlsBlock = ({ caFile, certFile, keyFile }: CertificateFiles) => ({
  cert_file: certFile,
  key_file: keyFile,
  ca_file: caFile,
  verify: true,
  // The default of half a second is little on a busy machine.
  timeout: 5
})

/** Servers before 2.10 refuse the key and write to the disk every two minutes. */
const knowsSyncInterval = (binary: NatsServerBinary): boolean => {
  const [major = 0, minor = 0] = binary.version.split(".").map(Number)
  return major > 2 || minor >= 10
}

/** Writes the server's configuration, in JSON, which its own format contains; gives the file's path. */
export const writeConfig = Effect.fn("NatsHome.writeConfig")(
  function*(home: NatsHome, binary: NatsServerBinary, settings: ServerSettings) {
    const file = path.join(home.directory, "nats.conf")
    const config = {
      host,
      port: settings.port,
      server_name: home.serverName,
      pid_file: pidFileIn(home.directory),
      // A dead letter carries headers beside the original message, which may have had the usual limit's full size.
      max_payload: 8 * 1024 * 1024,
      authorization: { user: username, password: Redacted.value(home.password) },
      jetstream: {
        store_dir: storeIn(home.directory),
        max_file_store: settings.storeBytesMax,
        ...(knowsSyncInterval(binary) ? { sync_interval: "10s" } : {})
      },
      ...(settings.certificates === undefined ? {} : { tls: tlsBlock(settings.certificates) })
    }
    yield* OwnFile.write(file, `${JSON.stringify(config, null, 2)}\n`)
    return file
  }
)

const decodeConfig = Schema.decodeEffect(Schema.fromJsonString(Schema.Struct({ tls: Schema.optionalKey(TlsBlock) })))

/** With which the server that runs in the folder shows itself; its owner may use them too. None in plain text. */
export const certificates = Effect.fn("NatsHome.certificates")(function*(directory: string) {
  return yield* OwnFile.read(path.join(directory, "nats.conf")).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.flatMap(decodeConfig),
    Effect.map(({ tls }) => tls),
    Effect.option,
    Effect.map(Option.flatMap(Option.fromUndefinedOr)),
    Effect.map(Option.map(({ ca_file: caFile, cert_file: certFile, key_file: keyFile }): CertificateFiles => ({
      caFile,
      certFile,
      keyFile,
      clientCaFile: caFile
    })))
  )
})

/** Where the server that runs in the folder, or ran there last, lets clients in; none where there never was one. */
export const address = Effect.fn("NatsHome.address")(function*(directory: string) {
  const password = Option.flatten(yield* Effect.option(OwnFile.read(path.join(directory, "password"))))
  const port = yield* RememberedPort.read(directory)
  return Option.map(
    Option.all([port, Option.filter(password, (text) => text !== "")]),
    ([port, password]) => Redacted.make(`nats://${username}:${encodeURIComponent(password)}@${host}:${port}`)
  )
})

/**
 * TLS of an embedded server: nobody gets in without a certificate, and a renewed one is used without a restart.
 *
 * The server runs as a user of its own that cannot read our files, so certificate, key and roots are copied into its data
 * directory, and again at each renewal; then it is told to read them. Connections that are open stay.
 */
import { Effect, Option, Redacted, Stream } from "effect"
import * as path from "node:path"
import type { CredentialSet, CredentialSource } from "../../../services/security/Credentials.ts"
import * as OwnFile from "../../process/OwnFile.ts"
import type { ServerAccount } from "../../process/ServerAccount.ts"
import { describeCause, SetupFailed } from "../../process/SetupFailed.ts"

const files = { cert: "server.pem", key: "server-key.pem", roots: "client-roots.pem", rules: "pg_hba_tls.conf" }

const rules = "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n"

/** For the server's command line. Its own `pg_hba.conf` stays for starts without TLS. */
export const settings = (data: string): ReadonlyArray<string> => [
  "ssl=on",
  `ssl_cert_file=${files.cert}`,
  `ssl_key_file=${files.key}`,
  `ssl_ca_file=${files.roots}`,
  "ssl_min_protocol_version=TLSv1.3",
  `hba_file=${path.join(data, files.rules)}`
]

interface Place {
  readonly data: string
  readonly account: Option.Option<ServerAccount>
}

/** Readable by the server alone. */
const put = ({ account, data }: Place, name: string, text: string) =>
  OwnFile.write(path.join(data, name), text, { owner: Option.getOrUndefined(account) })

const installSet = Effect.fnUntraced(function*(place: Place, set: CredentialSet) {
  yield* put(place, files.cert, set.cert)
  yield* put(place, files.key, Redacted.value(set.key))
  yield* put(place, files.roots, set.clientRoots)
})

/** Before the server is started. */
export const install = Effect.fn("ServerTls.install")(function*(place: Place, source: CredentialSource) {
  const set = source.current()
  if (Option.isNone(set)) {
    return yield* new SetupFailed({ step: "securing PostgreSQL", detail: source.trouble() })
  }
  yield* installSet(place, set.value)
  yield* put(place, files.rules, rules)
})

/** For as long as the server runs. */
export const follow = (place: Place, source: CredentialSource, pid: number) =>
  Stream.runForEach(Stream.drop(source.changes, 1), (set) =>
    Option.match(set, {
      onNone: () => Effect.void,
      onSome: (set) =>
        installSet(place, set).pipe(
          Effect.andThen(Effect.try({
            try: () => process.kill(pid, "SIGHUP"),
            catch: (cause) => new SetupFailed({ step: "telling PostgreSQL", detail: describeCause(cause) })
          })),
          Effect.andThen(Effect.logInfo("PostgreSQL shows a renewed certificate to new connections")),
          Effect.catch((error) => Effect.logError(`PostgreSQL keeps its old certificate: ${error.message}`))
        )
    })).pipe(Effect.andThen(Effect.never))

/** How we get in ourselves: with the server's own certificate. */
export const ownOptions = (source: CredentialSource) =>
  Option.match(source.current(), {
    onNone: () => undefined,
    onSome: (set) => ({ cert: set.cert, key: Redacted.value(set.key), ca: set.serverRoots })
  })

/**
 * How connections to PostgreSQL are encrypted, and what is verified.
 *
 * What certificate is in use is asked at each connection. One that does not belong to its key is found at the start.
 * `require` encrypts and verifies nothing, as it does everywhere else; without a mode and certificates the address
 * decides.
 */
import { Effect, Option, Redacted, type Scope, Stream } from "effect"
import type * as tls from "node:tls"
import type * as CnpgConfig from "../../../domain/events/settings/CnpgConfig.ts"
import {
  Credentials,
  type CredentialsError,
  type CredentialSet,
  type CredentialSource,
  type OwnFiles
} from "../../../services/security/Credentials.ts"

export interface DatabaseTls {
  /** Undefined: the address decides. */
  readonly options: tls.ConnectionOptions | undefined
  /** Our certificate or the roots were replaced. */
  readonly renewals: Stream.Stream<unknown>
}

const open = Effect.fnUntraced(function*(files: OwnFiles) {
  const credentials = yield* Credentials
  return yield* credentials.open({ _tag: "Files", files, isSvid: false, isRooted: false })
})

/** A certificate of ours and its key, and roots if there are any: what is renewed while the program runs. */
const filesOf = ({ caFile, certFile, keyFile }: CnpgConfig.DatabaseTls): OwnFiles | undefined =>
  certFile === undefined || keyFile === undefined
    ? undefined
    : { certFile, keyFile, caFile, clientCaFile: caFile }

/** Roots alone, or those of the system. */
const ofRoots = Effect.fnUntraced(function*({ caFile }: CnpgConfig.DatabaseTls) {
  if (caFile === undefined) return { options: {}, renewals: Stream.never }
  const credentials = yield* Credentials
  const { current, renewals } = yield* credentials.openRoots(caFile)
  const options: tls.ConnectionOptions = {
    get ca() {
      return current()
    }
  }
  return { options, renewals }
})

/** The client takes these apart anew for each connection, so they are looked up then. */
const ofSource = (source: CredentialSource): tls.ConnectionOptions => {
  const of = <A>(part: (set: CredentialSet) => A): A | undefined =>
    Option.getOrUndefined(Option.map(source.current(), part))
  return {
    get cert() {
      return of((set) => set.cert)
    },
    get key() {
      return of((set) => Redacted.value(set.key))
    },
    get ca() {
      return of((set) => set.serverRoots || undefined)
    }
  }
}

/** Adds to the object itself: a copy would hold what is looked up at this moment. */
const completed = (options: tls.ConnectionOptions, { verifiesName }: CnpgConfig.DatabaseTls): tls.ConnectionOptions =>
  Object.assign(options, {
    minVersion: "TLSv1.2" as const,
    ...(verifiesName ? {} : { checkServerIdentity: () => undefined })
  })

const ofFiles = Effect.fnUntraced(function*(database: CnpgConfig.DatabaseTls) {
  const files = filesOf(database)
  if (files === undefined) {
    const { options, renewals } = yield* ofRoots(database)
    return { options: completed(options, database), renewals }
  }
  const source = yield* open(files)
  return { options: completed(ofSource(source), database), renewals: Stream.drop(source.changes, 1) }
})

export const load = Effect.fn("DatabaseTls.load")(function*(database: {
  readonly tls: Option.Option<CnpgConfig.DatabaseTls>
  readonly sslMode: Option.Option<CnpgConfig.SslMode>
}): Effect.fn.Return<DatabaseTls, CredentialsError, Credentials | Scope.Scope> {
  if (Option.isSome(database.tls)) return yield* ofFiles(database.tls.value)
  const options = Option.contains(database.sslMode, "require") ? { rejectUnauthorized: false } : undefined
  return { options, renewals: Stream.never }
})

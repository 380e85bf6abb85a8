/**
 * A set from its files: how they are read, and how it is seen that they changed.
 *
 * Folders are watched rather than files, because certificates are renewed by renaming, and by changing a link above them.
 * What happens in quick succession counts as one change. Whatever a folder does not tell is found by looking at the files
 * now and then.
 */
import { Clock, Duration, Effect, FileSystem, Option, Result, Stream } from "effect"
import * as crypto from "node:crypto"
import * as path from "node:path"
import {
  type CredentialOrigin,
  CredentialsError,
  type CredentialSet,
  type OwnFiles
} from "../../services/security/Credentials.ts"
import * as CertificateSet from "./CertificateSet.ts"
import * as PeerCertificate from "./PeerCertificate.ts"
import * as TlsFiles from "./TlsFiles.ts"

export interface Reading {
  /** Equal for equal contents. */
  readonly fingerprint: string
  readonly parts: Omit<CertificateSet.Parts, "isRooted">
}

/** `refuse`: a key that everybody on this machine can read is as good as none, and so are roots that everybody can change. */
export type OpenKeys = "refuse" | "warn"

const read = Effect.fnUntraced(function*(file: string) {
  return { file, text: yield* TlsFiles.read(file) }
})

const readOptional = (file: string | undefined) => file === undefined ? Effect.succeed(undefined) : read(file)

const othersMayRead = 0o004
const othersMayWrite = 0o002

const checkMode = Effect.fnUntraced(function*(file: string, openKeys: OpenKeys, isKey: boolean) {
  const files = yield* FileSystem.FileSystem
  const info = yield* Effect.option(files.stat(file))
  if (Option.isNone(info) || info.value.type !== "File") return
  const { mode } = info.value
  const text = `mode ${(mode & 0o777).toString(8).padStart(4, "0")}`
  const reason = (mode & othersMayWrite) !== 0
    ? `every user of this machine may change this file (${text}): chmod o-w it`
    : isKey && (mode & othersMayRead) !== 0
    ? `every user of this machine may read this key (${text}): chmod 600 it`
    : undefined
  if (reason === undefined) return
  if (openKeys === "refuse") return yield* new CredentialsError({ file, reason })
  yield* Effect.logWarning(`TLS file ${file}: ${reason}`)
})

/** Roots that come without a certificate of ours. */
export const checkRoots = (file: string, openKeys: OpenKeys) => checkMode(file, openKeys, false)

export const allOf = ({ caFile, certFile, clientCaFile, keyFile }: OwnFiles): ReadonlyArray<string> =>
  [certFile, keyFile, caFile, clientCaFile].filter((file) => file !== undefined)

export const readAll = Effect.fnUntraced(function*(files: OwnFiles, openKeys: OpenKeys) {
  const parts = yield* Effect.all({
    cert: read(files.certFile),
    key: read(files.keyFile),
    ca: readOptional(files.caFile),
    clientCa: readOptional(files.clientCaFile)
  })
  for (const file of new Set(allOf(files))) yield* checkMode(file, openKeys, file === files.keyFile)
  const hash = crypto.createHash("sha256")
  for (const { text } of Object.values(parts).map((part) => part ?? { text: "" })) hash.update(`${text.length}:${text}`)
  return { fingerprint: hash.digest("hex"), parts } satisfies Reading
})

type Kind = Pick<Extract<CredentialOrigin, { readonly _tag: "Files" }>, "isSvid" | "isRooted">

/** In a file SVID the bundle is that of the workload's own trust domain. */
const bundlesOf = ({ ca, cert }: Reading["parts"]): CredentialSet["bundles"] =>
  Result.getSuccess(CertificateSet.certificates(cert)).pipe(
    Option.flatMap(([leaf]) => leaf === undefined ? Option.none() : PeerCertificate.identityOfX509(leaf).spiffeId),
    Option.map(({ trustDomain }): ReadonlyMap<string, string> => new Map([[trustDomain, ca?.text ?? ""]])),
    Option.orElseSome(() => new Map())
  )

export const toSet = Effect.fnUntraced(function*({ parts }: Reading, kind: Kind) {
  const now = yield* Clock.currentTimeMillis
  return yield* Effect.fromResult(
    CertificateSet.make(
      { ...parts, isRooted: kind.isRooted },
      now,
      kind.isSvid ? bundlesOf(parts) : Option.none()
    )
  )
})

/** Long enough for whoever writes a certificate and then its key. */
const quiet = Duration.millis(300)

const foldersOf = (files: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(files.map(path.dirname))]

/** How soon it is seen that another folder stands in the place of one that is watched. */
const lookAgain = Duration.seconds(2)

/**
 * Which folder it is, whatever its name; the system goes on watching one that was renamed, removed or replaced. Its birth
 * belongs to it, as the number of one that was removed is given to the next.
 */
const identityOf = (files: FileSystem.FileSystem, folder: string) =>
  files.stat(folder).pipe(
    Effect.map(({ birthtime, dev, ino }) =>
      [dev, Option.getOrElse(ino, () => ""), Option.match(birthtime, { onNone: () => "", onSome: Number })].join(" ")
    ),
    Effect.orElseSucceed(() => "")
  )

/** What happens in the folder of this name; to be replaced by another is such a thing. */
const watchFolder = (files: FileSystem.FileSystem, folder: string, every: Duration.Duration) =>
  Stream.unwrap(Effect.map(identityOf(files, folder), (watched) => {
    const isAnother = Effect.map(
      Effect.delay(identityOf(files, folder), lookAgain),
      (found) => found !== watched
    )
    return files.watch(folder).pipe(
      // Of causes: the platform dies of a folder that vanishes while it looks.
      Stream.catchCause(() => Stream.empty),
      Stream.map(() => undefined),
      Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep(every)))),
      Stream.interruptWhen(Effect.repeat(isAnother, { until: (is) => is })),
      Stream.concat(Stream.make(undefined))
    )
  })).pipe(Stream.forever)

/** Something happened in the folders, or so much time passed. */
export const stirrings = (files: ReadonlyArray<string>, every: Duration.Duration) =>
  Stream.unwrap(Effect.map(FileSystem.FileSystem, (fileSystem) => {
    const folders = foldersOf(files).map((folder) => watchFolder(fileSystem, folder, every))
    return Stream.mergeAll(folders, { concurrency: "unbounded" }).pipe(
      Stream.debounce(quiet),
      Stream.merge(Stream.tick(every))
    )
  }))

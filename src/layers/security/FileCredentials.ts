/**
 * A source of sets that are files on this machine; and of roots alone, where there is no certificate of ours. What cannot
 * be used changes nothing, and is told once.
 */
import { type Duration, Effect, Option, Result, Stream, SubscriptionRef } from "effect"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import * as ScopedLoop from "../../services/backoff/ScopedLoop.ts"
import type { CredentialOrigin, RootSource } from "../../services/security/Credentials.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as CredentialFiles from "./CredentialFiles.ts"
import * as CredentialState from "./CredentialState.ts"
import * as TlsFiles from "./TlsFiles.ts"

export interface FileOptions {
  readonly openKeys: CredentialFiles.OpenKeys
  /** How often the files are looked at, whatever the folders tell. */
  readonly every: Duration.Duration
}

export const open = Effect.fnUntraced(function*(
  origin: Extract<CredentialOrigin, { readonly _tag: "Files" }>,
  options: FileOptions
) {
  const { files, isSvid } = origin
  const first = yield* CredentialFiles.readAll(files, options.openKeys)
  const set = yield* CredentialFiles.toSet(first, origin)
  const state = yield* CredentialState.make(Option.some(set), { endsWithExpiry: isSvid, waitingFor: "" })
  let accepted = first.fingerprint

  const renew = Effect.gen(function*() {
    const reading = yield* CredentialFiles.readAll(files, options.openKeys)
    if (reading.fingerprint === accepted) return yield* state.clear
    yield* state.accept(yield* CredentialFiles.toSet(reading, origin))
    accepted = reading.fingerprint
  })

  const look = Effect.gen(function*() {
    const renewed = yield* Effect.result(renew)
    if (Result.isFailure(renewed)) yield* state.refuse(renewed.failure)
    yield* state.age
  })

  const watch = CredentialFiles.stirrings(CredentialFiles.allOf(files), options.every).pipe(
    Stream.runForEach(() => look),
    Effect.andThen(Effect.never)
  )
  return { source: state.source, watch }
})

const readRoots = Effect.fnUntraced(function*(file: string, openKeys: CredentialFiles.OpenKeys) {
  const ca = yield* TlsFiles.readPem(file)
  yield* CredentialFiles.checkRoots(file, openKeys)
  yield* TlsFiles.check(file, { ca })
  return ca
})

/** Watched until the scope closes. */
export const openRoots = Effect.fnUntraced(function*(file: string, { every, openKeys }: FileOptions) {
  const monitor = yield* SecurityMonitor
  const present = yield* SubscriptionRef.make(yield* readRoots(file, openKeys))
  let refused = ""

  const refuse = Effect.fnUntraced(function*(reason: string) {
    if (reason === refused) return
    refused = reason
    yield* monitor.record(SecurityEvent.CertificateRejected.make({ commonName: "", reason }))
  })

  const look = Effect.gen(function*() {
    const found = yield* Effect.result(readRoots(file, openKeys))
    if (Result.isFailure(found)) return yield* refuse(found.failure.message)
    refused = ""
    if (found.success === SubscriptionRef.getUnsafe(present)) return
    yield* SubscriptionRef.set(present, found.success)
    yield* Effect.logInfo(`TLS file ${file}: its roots have changed and are used from now on`)
  })

  yield* ScopedLoop.start(
    `Watching ${file}`,
    Stream.runForEach(CredentialFiles.stirrings([file], every), () => look)
  )
  return {
    current: () => SubscriptionRef.getUnsafe(present),
    renewals: Stream.drop(SubscriptionRef.changes(present), 1)
  } satisfies RootSource
})

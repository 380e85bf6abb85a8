/** A source of sets that are files on this machine. */
import { type Duration, Effect, Option, Result, Stream } from "effect"
import type { CredentialOrigin } from "../../services/security/Credentials.ts"
import * as CredentialFiles from "./CredentialFiles.ts"
import * as CredentialState from "./CredentialState.ts"

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

  const watch = CredentialFiles.stirrings(files, options.every).pipe(
    Stream.runForEach(() => look),
    Effect.andThen(Effect.never)
  )
  return { source: state.source, watch }
})

/**
 * A source of sets that a SPIFFE Workload API streams: one at once, and one at every rotation.
 *
 * Whatever ends the stream, the last set stays in use until it expires, and the stream is opened again with backoff: an
 * identity that is not registered yet may be later. Only an API that does not understand us is left alone.
 */
import { Clock, Duration, Effect, Option, Result, Stream } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as SpiffeId from "../../domain/security/SpiffeId.ts"
import { SpiffeWorkloadAPIService, type X509SVIDResponse } from "../../gen/spiffe/workload.ts"
import { CredentialsError, type CredentialSet } from "../../services/security/Credentials.ts"
import * as GrpcChannel from "../grpc/GrpcChannel.ts"
import * as GrpcClient from "../grpc/GrpcClient.ts"
import type { GrpcError } from "../grpc/GrpcError.ts"
import * as CertificateSet from "./CertificateSet.ts"
import * as CredentialState from "./CredentialState.ts"
import * as Der from "./Der.ts"

/** `unix:///path`, `unix:/path` and `/path` are the same socket; `tcp://address:port`. */
export const targetOf = (address: string): string =>
  address.startsWith("tcp://")
    ? address.slice("tcp://".length).replace(/\/$/, "")
    : `unix:${address.replace(/^unix:(\/\/)?/, "")}`

const header = { "workload.spiffe.io": "true" }

/** Where one DER value after the other begins and ends. */
const derValues = (bytes: Uint8Array): ReadonlyArray<Uint8Array> => {
  const values: Array<Uint8Array> = []
  for (let at = 0; at + 2 <= bytes.length;) {
    const first = bytes[at + 1] ?? 0
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    const length = lengthBytes === 0
      ? first
      : bytes.subarray(at + 2, at + 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0)
    const end = at + 2 + lengthBytes + length
    values.push(bytes.subarray(at, end))
    at = end
  }
  return values
}

const pemOf = (bytes: Uint8Array): string => derValues(bytes).map((one) => Der.pem("CERTIFICATE", one)).join("")

/** The default identity of the answer, as a set. */
export const toSet = (
  response: X509SVIDResponse,
  address: string,
  nowMillis: number
): Result.Result<CredentialSet, CredentialsError> => {
  const [svid] = response.svids
  const id = Option.flatMap(Option.fromUndefinedOr(svid), ({ spiffeId }) => SpiffeId.parse(spiffeId))
  if (svid === undefined || Option.isNone(id)) {
    return Result.fail(new CredentialsError({ file: address, reason: "the Workload API gave no SPIFFE identity" }))
  }
  const pem = (text: string) => ({ file: `${address} (${svid.spiffeId})`, text })
  const own = pemOf(svid.bundle)
  const federated = Object.entries(response.federatedBundles).map(([domain, bundle]): readonly [string, string] => [
    Option.getOrElse(SpiffeId.parseTrustDomain(domain), () => domain),
    pemOf(bundle)
  ])
  const bundles: ReadonlyMap<string, string> = new Map([...federated, [id.value.trustDomain, own]])
  const key = pem(Der.pem("PRIVATE KEY", svid.x509SvidKey))
  // Our own certificate chains to our own trust domain; peers may be of any of them.
  return CertificateSet.make(
    { cert: pem(pemOf(svid.x509Svid)), key, ca: pem(own), clientCa: pem(own), isRooted: true },
    nowMillis,
    Option.some(bundles)
  )
    .pipe(
      Result.filterOrFail(
        ({ identity }) => Option.exists(identity.spiffeId, (found) => SpiffeId.equals(found, id.value)),
        () => new CredentialsError({ file: address, reason: `the SVID of ${svid.spiffeId} carries another id` })
      ),
      Result.map((set) => {
        const roots = [...bundles.values()].join("")
        return { ...set, serverRoots: roots, clientRoots: roots }
      })
    )
}

/** Begins anew once an identity was given: a stream that is cut is opened again at once. */
const backoff = Backoff.capped({ from: "200 millis", to: "5 seconds" })

const troubleOf = (address: string, error: GrpcError): CredentialsError =>
  new CredentialsError({
    file: address,
    reason: error._tag === "PermissionDenied"
      ? `no identity is registered for this program yet (${error.detail})`
      : `${error._tag}: ${error.detail}`
  })

/** How often the end of the present set is thought of; an SVID of an hour is replaced at half of it. */
const ageEvery = Duration.seconds(1)

export const open = Effect.fnUntraced(function*(address: string) {
  const channel = yield* GrpcChannel.make({ target: targetOf(address) })
  const client = GrpcClient.fromChannel(SpiffeWorkloadAPIService, channel)
  const state = yield* CredentialState.make(Option.none(), {
    endsWithExpiry: true,
    waitingFor: `the Workload API at ${address} has given no identity yet`
  })

  const take = Effect.fnUntraced(function*(response: X509SVIDResponse) {
    const set = toSet(response, address, yield* Clock.currentTimeMillis)
    yield* Result.isSuccess(set) ? state.accept(set.success) : state.refuse(set.failure)
  })

  /** Fails when nothing came of it; ends when the stream did after it had given something. */
  const session = Effect.suspend(() => {
    let hasGiven = false
    return client.fetchX509Svid({}, { metadata: header }).pipe(
      Stream.runForEach((response) => {
        hasGiven = true
        return take(response)
      }),
      Effect.andThen(new CredentialsError({ file: address, reason: "the stream of the Workload API ended" })),
      Effect.catchTag("InvalidArgument", (error) =>
        // It does not understand us, and will not when it is asked again.
        Effect.andThen(state.refuse(troubleOf(address, error)), Effect.never)),
      Effect.mapError((error) => error._tag === "CredentialsError" ? error : troubleOf(address, error)),
      Effect.tapError(state.refuse),
      Effect.catch((error) => hasGiven ? Effect.void : Effect.fail(error))
    )
  })

  const follow = Effect.forever(Effect.retry(session, backoff)).pipe(
    // The backoff has no end.
    Effect.orDie
  )
  const watch = Effect.raceFirst(follow, Effect.forever(Effect.andThen(state.age, Effect.sleep(ageEvery))))
  return { source: state.source, watch }
})

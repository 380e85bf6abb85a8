/** A SPIFFE Workload API on a unix socket, whose answers the test decides. */
import { Effect, Queue, Stream } from "effect"
import * as crypto from "node:crypto"
import { SpiffeWorkloadAPIService, type X509SVIDResponse } from "../../src/gen/spiffe/workload.ts"
import { type GrpcError, InvalidArgument } from "../../src/layers/grpc/GrpcError.ts"
import * as GrpcMetadata from "../../src/layers/grpc/GrpcMetadata.ts"
import * as GrpcServer from "../../src/layers/grpc/GrpcServer.ts"
import type { Authority, Issued } from "./authority.ts"

const der = (pem: string): Buffer => Buffer.from(new crypto.X509Certificate(pem).raw)

export interface SvidOptions {
  readonly spiffeId: string
  readonly ca: Authority
  readonly issued?: Issued
  /** Of other trust domains. */
  readonly federated?: Readonly<Record<string, Authority>>
  /** In place of the CA that issued it. */
  readonly bundle?: Authority
}

export const svid = ({ bundle, ca, federated = {}, issued, spiffeId }: SvidOptions): X509SVIDResponse => {
  const { cert, key } = issued ?? ca.issue({ commonName: "", dnsNames: [], addresses: [], spiffeId })
  return {
    svids: [{
      spiffeId,
      x509Svid: der(cert),
      x509SvidKey: crypto.createPrivateKey(key).export({ type: "pkcs8", format: "der" }),
      bundle: der((bundle ?? ca).root),
      hint: ""
    }],
    crl: [],
    federatedBundles: Object.fromEntries(
      Object.entries(federated).map(([domain, other]) => [`spiffe://${domain}`, der(other.root)])
    )
  }
}

/** Each caller's stream is what `answers` makes for the number of the call, from 0. */
export const serve = (path: string, answers: (call: number) => Stream.Stream<X509SVIDResponse, GrpcError>) => {
  let calls = 0
  return GrpcServer.make({
    path,
    grace: 0,
    services: [
      GrpcServer.service(SpiffeWorkloadAPIService, {
        fetchX509Svid: (_, call) =>
          GrpcMetadata.text(call.metadata, "workload.spiffe.io") === "true"
            ? answers(calls++)
            : Stream.fail(new InvalidArgument({ detail: "security header missing from request" }))
      })
    ]
  })
}

/** A stream that stays open, and what to put into it. */
export const openStream = Effect.map(Queue.bounded<X509SVIDResponse>(16), (queue) => ({
  send: (response: X509SVIDResponse) => Effect.asVoid(Queue.offer(queue, response)),
  stream: Stream.fromQueue(queue)
}))

/** Signed calls with damage anywhere: in the headers, the method, the request. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, Stream } from "effect"
import * as crypto from "node:crypto"
import type * as tls from "node:tls"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import { headers } from "../../../src/domain/security/SignatureHeaders.ts"
import type { ServerInterceptor } from "../../../src/layers/grpc/GrpcServer.ts"
import * as CertificateSet from "../../../src/layers/security/CertificateSet.ts"
import * as GrpcSigning from "../../../src/layers/security/signing/GrpcSigning.ts"
import type { CredentialSource } from "../../../src/services/security/Credentials.ts"
import { SecurityMonitor } from "../../../src/services/security/SecurityMonitor.ts"
import { authority, type Issued } from "../../support/authority.ts"
import * as Mutations from "../../support/mutations.ts"

type ServerCall = Parameters<ServerInterceptor>[0]

const method = "/monitoring.AgentService/GetStatus"
const errors = new Set(["FromTheFuture", "TooOld", "Replayed", "MalformedMessage", "InvalidSignature"])

const sourceOf = (issued: Issued, root: string): CredentialSource => {
  const pem = (text: string) => ({ file: "test", text })
  const parts = { cert: pem(issued.cert), key: pem(issued.key), ca: pem(root), clientCa: pem(root), isRooted: false }
  const set = Result.getOrThrow(CertificateSet.make(parts, Date.now()))
  return { current: () => Option.some(set), changes: Stream.empty, onChange: () => () => {}, trouble: () => "" }
}

const rig = () => {
  const ca = authority()
  const keys = crypto.generateKeyPairSync("ed25519")
  const poller = sourceOf(ca.issue({ commonName: "poller.serviceradar" }, undefined, keys), ca.root)
  const security = SecurityConfig.fromBlock({
    mode: "mtls",
    tls: { cert_file: "a", key_file: "b", ca_file: "c" },
    signing: { verify: "require" }
  })
  if (security._tag !== "Mtls") throw new Error("mtls was asked for")
  const intercept = GrpcSigning.server({
    security,
    source: sourceOf(ca.issue(), ca.root),
    monitor: SecurityMonitor.of({
      record: () => Effect.void,
      summary: Effect.die("not asked here"),
      warnOfPlainText: () => Effect.void,
      keep: Effect.never
    }),
    kindOf: () => "single"
  })
  return { intercept, poller }
}

interface Sent {
  readonly method: string
  readonly request: Uint8Array
  readonly metadata: Readonly<Record<string, string>>
}

const signed = (source: CredentialSource, request: Uint8Array): Promise<Sent> =>
  Effect.runPromise(
    GrpcSigning.client(source).effect?.(
      { method, target: "agent", options: {}, request: Option.some(() => request) },
      ({ metadata = {} }) =>
        Effect.succeed({
          method,
          request,
          metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, String(value)]))
        })
    ) ?? Effect.die("calls with one answer are signed")
  )

const received = (intercept: ServerInterceptor, sent: Sent): string => {
  const call: Pick<ServerCall, "method" | "metadata" | "peerCertificate" | "firstRequest"> = {
    method: sent.method,
    metadata: Object.fromEntries(Object.entries(sent.metadata).map(([name, value]) => [name, [value]])),
    // boundary: of a certificate the interceptor reads who it names.
    peerCertificate: Option.some({ subject: { CN: "poller.serviceradar" } } as tls.PeerCertificate),
    firstRequest: Effect.succeed(Option.some(sent.request))
  }
  // boundary: the interceptor reads no more of a call than that.
  return Effect.runSync(
    intercept(call as ServerCall, Effect.succeed("handled")).pipe(
      Effect.catch((error) =>
        Effect.succeed(
          error._tag === "Unauthenticated" ? String(error.trailers["serviceradar-signature-error"]) : error._tag
        )
      )
    )
  )
}

const names = [...Object.values(headers), "method", "request"]

const damaged = (sent: Sent, random: Mutations.Random): Sent => {
  const name = names[random(names.length)] ?? "request"
  const change = (text: string) => Mutations.mutate(Buffer.from(text), random).toString("latin1")
  if (name === "request") return { ...sent, request: Mutations.mutate(sent.request, random) }
  if (name === "method") return { ...sent, method: change(sent.method) }
  return { ...sent, metadata: { ...sent.metadata, [name]: change(sent.metadata[name] ?? "") } }
}

const isSame = (one: Sent, other: Sent): boolean =>
  one.method === other.method && Buffer.from(one.request).equals(other.request) &&
  JSON.stringify(one.metadata) === JSON.stringify(other.metadata)

describe("Signed calls with damage", () => {
  it("are refused, each by an error of its own", async () => {
    const { intercept, poller } = rig()
    const sent = await signed(poller, Uint8Array.from({ length: 60 }, (_, index) => index * 7))
    const random = Mutations.generator()
    const answers = new Map<string, number>()
    const growth = await Mutations.heapGrowth(Mutations.mutations, () => {
      const one = damaged(sent, random)
      if (isSame(one, sent)) return
      const answer = received(intercept, one)
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
      if (!errors.has(answer)) assert.fail(`${answer}: ${JSON.stringify(one)}`)
    })

    assert.includeMembers([...answers.keys()], ["MalformedMessage", "InvalidSignature", "TooOld", "FromTheFuture"])
    assert.isBelow(growth, Mutations.heapGrowthMax)
    assert.strictEqual(received(intercept, sent), "handled")
    assert.strictEqual(received(intercept, sent), "Replayed")
  })
})

/** Signed calls: what is refused, by which error, and that peers without signatures go on as ever. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, References, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as crypto from "node:crypto"
import type * as tls from "node:tls"
import * as SecurityConfig from "../../../../src/domain/security/SecurityConfig.ts"
import type { SecurityEvent } from "../../../../src/domain/security/SecurityEvent.ts"
import { headers } from "../../../../src/domain/security/SignatureHeaders.ts"
import { HealthService } from "../../../../src/gen/grpc/health/v1/health.ts"
import { AgentServiceService, PollerServiceService } from "../../../../src/gen/monitoring/monitoring.ts"
import * as AgentServiceHandlers from "../../../../src/layers/agent/AgentServiceHandlers.ts"
import * as PollerServiceHandlers from "../../../../src/layers/core/PollerServiceHandlers.ts"
import * as GrpcClient from "../../../../src/layers/grpc/GrpcClient.ts"
import type { GrpcError } from "../../../../src/layers/grpc/GrpcError.ts"
import type { ServerInterceptor } from "../../../../src/layers/grpc/GrpcServer.ts"
import * as CertificateSet from "../../../../src/layers/security/CertificateSet.ts"
import * as GrpcAuthorization from "../../../../src/layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../../../src/layers/security/GrpcCredentials.ts"
import * as GrpcSigning from "../../../../src/layers/security/signing/GrpcSigning.ts"
import type { CredentialSource } from "../../../../src/services/security/Credentials.ts"
import { SecurityMonitor } from "../../../../src/services/security/SecurityMonitor.ts"
import { type Authority, authority, type Issued, validFor, write } from "../../../support/authority.ts"
import { secured } from "../../../support/secured.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { agentService, coreService, serveOn, statusChunk, statusRequest, statusResponse } from "../../grpc/fixture.ts"

type ServerCall = Parameters<ServerInterceptor>[0]

const method = "/monitoring.AgentService/GetStatus"
const hour = 3_600_000

const keyKinds = {
  Ed25519: () => crypto.generateKeyPairSync("ed25519"),
  "ECDSA P-256": () => crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }),
  RSA: () => crypto.generateKeyPairSync("rsa", { modulusLength: 2048 })
}

/** Made from what is in memory; certificates that are not timely are let through here, and judged by the verifier. */
const sourceOf = (issued: Issued, root: string): CredentialSource => {
  const pem = (text: string) => ({ file: "test", text })
  const parts = { cert: pem(issued.cert), key: pem(issued.key), ca: pem(root), clientCa: pem(root), isRooted: false }
  const set = Result.getOrThrow(CertificateSet.make(parts, Date.now()))
  return { current: () => Option.some(set), changes: Stream.empty, onChange: () => () => {}, trouble: () => "" }
}

/** A poller with a key of this kind, and the interceptor of a server that requires signatures. */
const rig = (kind: keyof typeof keyKinds, signing: SecurityConfig.SecurityBlock["signing"] = { verify: "require" }) => {
  const ca = authority()
  const poller = sourceOf(ca.issue({ commonName: "poller.serviceradar" }, undefined, keyKinds[kind]()), ca.root)
  const events: Array<SecurityEvent> = []
  const security = SecurityConfig.fromBlock({
    mode: "mtls",
    tls: { cert_file: "a", key_file: "b", ca_file: "c" },
    ...(signing === undefined ? {} : { signing })
  })
  if (security._tag !== "Mtls") throw new Error("mtls was asked for")
  const intercept = GrpcSigning.server({
    security,
    source: sourceOf(ca.issue(), ca.root),
    monitor: SecurityMonitor.of({
      record: (event) => Effect.sync(() => events.push(event)),
      warnOfPlainText: () => Effect.void,
      summary: Effect.die("not asked here"),
      keep: Effect.never
    }),
    kindOf: (path) => path.endsWith("GetStatus") ? "single" : "stream"
  })
  return { ca, events, intercept, poller }
}

interface Sent {
  readonly method: string
  readonly request: Uint8Array
  readonly metadata: Readonly<Record<string, ReadonlyArray<string>>>
}

const signedBy = (source: CredentialSource, request: Uint8Array): Effect.Effect<Sent, GrpcError> =>
  Effect.suspend(() =>
    GrpcSigning.client(source).effect?.(
      { method, target: "agent", options: {}, request: Option.some(() => request) },
      ({ metadata = {} }) =>
        Effect.succeed({
          method,
          request,
          metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, [String(value)]]))
        })
    ) ?? Effect.die("calls with one answer are signed")
  )

const received = (intercept: ServerInterceptor, sent: Sent, commonName = "poller.serviceradar") => {
  const call: Pick<ServerCall, "method" | "metadata" | "peerCertificate" | "firstRequest"> = {
    method: sent.method,
    metadata: sent.metadata,
    // boundary: of a certificate the interceptor reads who it names.
    peerCertificate: Option.some({ subject: { CN: commonName } } as tls.PeerCertificate),
    firstRequest: Effect.succeed(Option.some(sent.request))
  }
  // boundary: the interceptor reads no more of a call than that.
  return intercept(call as ServerCall, Effect.succeed("handled")).pipe(
    Effect.catch((error) => Effect.succeed(`${error._tag} ${error.trailers["serviceradar-signature-error"]}`))
  )
}

const flip = (text: string, bit: number): string => {
  const code = text.charCodeAt(bit >> 3) ^ 1 << (bit & 7)
  return text.slice(0, bit >> 3) + String.fromCharCode(code) + text.slice((bit >> 3) + 1)
}

/** Each form of the call in which one bit is another. */
function* changes(sent: Sent): Generator<readonly [string, Sent]> {
  for (const name of Object.values(headers)) {
    const [text = ""] = sent.metadata[name] ?? []
    for (let bit = 0; bit < 8 * text.length; bit++) {
      yield [`${name} bit ${bit}`, { ...sent, metadata: { ...sent.metadata, [name]: [flip(text, bit)] } }]
    }
  }
  for (let bit = 0; bit < 8 * sent.method.length; bit++) {
    yield [`method bit ${bit}`, { ...sent, method: flip(sent.method, bit) }]
  }
  for (let bit = 0; bit < 8 * sent.request.length; bit++) {
    const request = Uint8Array.from(sent.request)
    request.set([(request[bit >> 3] ?? 0) ^ 1 << (bit & 7)], bit >> 3)
    yield [`request bit ${bit}`, { ...sent, request }]
  }
}

const request = Uint8Array.from({ length: 40 }, (_, index) => index * 7)

const atNow = Effect.suspend(() => TestClock.setTime(Date.now()))

describe("GrpcSigning", () => {
  it.effect.each(["Ed25519", "ECDSA P-256", "RSA"] as const)(
    "refuses a call of which any single bit was changed: %s",
    (kind) =>
      Effect.gen(function*() {
        yield* atNow
        const { intercept, poller } = rig(kind)
        const sent = yield* signedBy(poller, request)
        const accepted: Array<string> = []
        let count = 0
        for (const [what, changed] of changes(sent)) {
          count += 1
          const answer = yield* received(intercept, changed)
          if (!answer.startsWith("Unauthenticated ")) accepted.push(`${what}: ${answer}`)
        }

        assert.deepStrictEqual(accepted, [])
        assert.isAbove(count, 5_000)
        // None of them has spent the nonce of the call itself.
        assert.strictEqual(yield* received(intercept, sent), "handled")
      }),
    60_000
  )

  it.effect("names the check that was not passed, in an answer and in an event", () =>
    Effect.gen(function*() {
      yield* atNow
      const { ca, events, intercept, poller } = rig("ECDSA P-256")
      const sent = yield* signedBy(poller, request)
      const answers = [
        yield* received(intercept, sent),
        yield* received(intercept, sent),
        yield* received(intercept, { ...sent, metadata: {} }),
        yield* received(intercept, { ...sent, metadata: { ...sent.metadata, [headers.nonce]: ["00"] } }),
        yield* received(intercept, yield* signedBy(sourceOf(ca.issue(), ca.root), request)),
        yield* received(
          intercept,
          yield* signedBy(sourceOf(authority().issue({ commonName: "poller.serviceradar" }), ca.root), request)
        )
      ]
      const early = yield* signedBy(poller, request)
      yield* TestClock.adjust("-10 seconds")
      answers.push(yield* received(intercept, early))
      yield* TestClock.adjust("400 seconds")
      answers.push(yield* received(intercept, early))

      const errors = [
        "Replayed",
        "NotSigned",
        "MalformedMessage",
        "InvalidSignature",
        "InvalidSignature",
        "FromTheFuture",
        "TooOld"
      ]
      assert.deepStrictEqual(answers, ["handled", ...errors.map((error) => `Unauthenticated ${error}`)])
      assert.deepStrictEqual(
        events.map((event) => event._tag === "SignatureInvalid" ? event.error : event._tag),
        errors
      )
    }))

  it.effect("refuses the signature of a certificate that has expired since", () =>
    Effect.gen(function*() {
      yield* atNow
      const { ca, intercept } = rig("Ed25519", { verify: "require", max_age_seconds: 86_400 })
      const brief = sourceOf(ca.issue({ commonName: "poller.serviceradar" }, validFor(-hour, hour)), ca.root)
      const sent = yield* signedBy(brief, request)
      yield* TestClock.adjust("2 hours")

      assert.strictEqual(yield* received(intercept, sent), "Unauthenticated InvalidSignature")
    }))

  it.effect("is asked of each peer by its name: a peer that is accepted without may be wrong with one", () =>
    Effect.gen(function*() {
      yield* atNow
      const { intercept, poller } = rig("Ed25519", {
        verify: "require",
        peers: { "poller.serviceradar": "accept", "old.serviceradar": "off" }
      })
      const sent = yield* signedBy(poller, request)
      const bad = { ...sent, request: new Uint8Array(3) }
      const none = { ...sent, metadata: {} }

      assert.deepStrictEqual(
        yield* Effect.all([
          received(intercept, none),
          received(intercept, bad),
          received(intercept, bad, "old.serviceradar"),
          received(intercept, none, "other.serviceradar")
        ]),
        ["handled", "Unauthenticated InvalidSignature", "handled", "Unauthenticated NotSigned"]
      )
    }))

  it.effect("holds as many nonces as it may, and still lets no replay in", () =>
    Effect.gen(function*() {
      yield* atNow
      const { intercept, poller } = rig("Ed25519", { verify: "require", nonces_max: 10 })
      const calls: Array<Sent> = []
      for (let second = 0; second < 30; second++) {
        const sent = yield* signedBy(poller, request)
        assert.strictEqual(yield* received(intercept, sent), "handled")
        calls.push(sent)
        yield* TestClock.adjust("1 second")
      }
      const again = yield* Effect.forEach(calls, (sent) => received(intercept, sent))

      assert.deepStrictEqual(new Set(again.slice(0, 20)), new Set(["Unauthenticated TooOld"]))
      assert.deepStrictEqual(new Set(again.slice(20)), new Set(["Unauthenticated Replayed"]))
    }))
})

const block = (folder: string, name: string, signing: SecurityConfig.SecurityBlock["signing"]) =>
  SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: folder,
    server_name: "agent.serviceradar",
    tls: { cert_file: `${name}.pem`, key_file: `${name}-key.pem`, ca_file: "root.pem" },
    ...(signing === undefined ? {} : { signing })
  })

/** Serves both services as agent and core do, with what `signing` says. */
const served = Effect.fnUntraced(function*(
  folder: string,
  ca: Authority,
  signing: SecurityConfig.SecurityBlock["signing"]
) {
  yield* Effect.promise(() => write(folder, "agent", ca.issue(), ca.root))
  yield* Effect.promise(() => write(folder, "poller", ca.issue({ commonName: "poller.serviceradar" }), ca.root))
  const security = block(folder, "agent", signing)
  return yield* serveOn(
    0,
    {
      credentials: yield* GrpcCredentials.server(security, "127.0.0.1"),
      interceptors: yield* GrpcAuthorization.interceptors(security, "127.0.0.1", [
        AgentServiceHandlers.requirements,
        PollerServiceHandlers.requirements
      ])
    },
    agentService({ getStatus: ({ serviceName }) => Effect.succeed(statusResponse(serviceName)) }),
    coreService((chunks) => Effect.as(Stream.runDrain(chunks), { received: true }))
  )
})

const outcome = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  Effect.match(effect, { onFailure: ({ _tag }) => _tag, onSuccess: () => "answered" })

describe("a server with signing", () => {
  it.live.each(
    [
      ["require", { send: true }, "answered"],
      ["require", undefined, "Unauthenticated"],
      ["accept", undefined, "answered"],
      ["accept", { send: true }, "answered"],
      ["off", { send: true }, "answered"]
    ] as const
  )("that says %s, and a caller with %j: %s", ([verify, send, expected]) =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const ca = authority()
      const { port } = yield* served(folder, ca, { verify })
      const target = `127.0.0.1:${port}`
      const credentials = yield* GrpcCredentials.client(block(folder, "poller", send), target)
      const agent = yield* GrpcClient.make(AgentServiceService, { target, credentials })
      const core = yield* GrpcClient.make(PollerServiceService, { target, credentials })
      const health = yield* GrpcClient.make(HealthService, { target, credentials })

      assert.deepStrictEqual(
        yield* Effect.all([
          outcome(agent.getStatus(statusRequest("one"))),
          outcome(agent.getStatus(statusRequest("two"))),
          outcome(core.reportStatus(statusChunk(0))),
          outcome(core.streamStatus(Stream.make(statusChunk(0), statusChunk(1)))),
          // Health asks nobody for a signature.
          outcome(health.check({ service: "" }))
        ]),
        [expected, expected, expected, expected, "answered"]
      )
    }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")))
})

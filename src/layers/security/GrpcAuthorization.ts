/**
 * Who may call what on a gRPC server, and how often: by the certificate of the connection and the permission that the
 * method states.
 *
 * In plain text there is nobody to know, so everybody may; that is what the mode of the connection means. Whoever is
 * refused learns why; one event tells of many refusals.
 */
import { Clock, Effect, Option, Result, type Scope } from "effect"
import * as Authorization from "../../domain/security/Authorization.ts"
import * as CertificateIdentity from "../../domain/security/CertificateIdentity.ts"
import type { Requirement } from "../../domain/security/Permission.ts"
import * as Role from "../../domain/security/Role.ts"
import type { SecurityConfig } from "../../domain/security/SecurityConfig.ts"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import * as SigningPolicy from "../../domain/security/SigningPolicy.ts"
import * as TokenBucket from "../../domain/security/TokenBucket.ts"
import * as ConnectionSecurity from "../../services/security/ConnectionSecurity.ts"
import { Credentials, type CredentialsError } from "../../services/security/Credentials.ts"
import * as SecurityMetrics from "../../services/security/SecurityMetrics.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import { type GrpcError, PermissionDenied, ResourceExhausted, Unauthenticated } from "../grpc/GrpcError.ts"
import type { MethodDefinition } from "../grpc/GrpcMethod.ts"
import type { ServerInterceptor } from "../grpc/GrpcServer.ts"
import * as PeerCertificate from "./PeerCertificate.ts"
import * as PeerRules from "./PeerRules.ts"
import * as GrpcSigning from "./signing/GrpcSigning.ts"

type ServerCall = Parameters<ServerInterceptor>[0]

interface MethodRule {
  readonly requirement: Requirement
  /** Of several requests. */
  readonly isStream: boolean
}

/** By the path of the method. */
export type Requirements = ReadonlyMap<string, MethodRule>

/** Forgetting a method is a compile error. */
export const requirements = <S extends { readonly [name: string]: MethodDefinition }>(
  definition: S,
  needed: { readonly [K in keyof S]: Requirement }
): Requirements =>
  new Map(
    Object.entries(definition).map(([name, method]) => [
      method.path,
      { requirement: needed[name] ?? "admin", isStream: method.requestStream }
    ])
  )

/** What every server serves. */
const builtIn: Requirements = new Map([
  ["/grpc.health.v1.Health/Check", { requirement: "none", isStream: false }],
  ["/grpc.health.v1.Health/Watch", { requirement: "none", isStream: false }],
  ["/grpc.health.v1.Health/List", { requirement: "none", isStream: false }],
  ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", { requirement: "read", isStream: true }],
  ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", { requirement: "read", isStream: true }]
])

const unknownMethod: MethodRule = { requirement: "admin", isStream: false }

/** Of whoever may do no more than ask for health. */
const strangerRate: TokenBucket.TokenBucketOptions = { perSecond: 10, burst: 100 }

/** The identities of a fleet; one more forgets the oldest. */
const identitiesMax = 10_000

const eventRate: TokenBucket.TokenBucketOptions = { perSecond: 1, burst: 10 }

/** One for each identity. */
class Buckets {
  readonly #buckets = new Map<string, TokenBucket.TokenBucket>()

  of(name: string, rate: TokenBucket.TokenBucketOptions): TokenBucket.TokenBucket {
    const known = this.#buckets.get(name)
    if (known !== undefined) return known
    if (this.#buckets.size >= identitiesMax) {
      const [oldest] = this.#buckets.keys()
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    const made = TokenBucket.make(rate)
    this.#buckets.set(name, made)
    return made
  }
}

const toGrpc = (error: Authorization.AuthorizationError): GrpcError =>
  error._tag === "NoCertificate"
    ? new Unauthenticated({ detail: error.message })
    : new PermissionDenied({ detail: error.message })

const authorizer = (
  security: Exclude<SecurityConfig, { readonly _tag: "None" }>,
  ruleOf: (method: string) => MethodRule,
  monitor: SecurityMonitor["Service"]
): ServerInterceptor => {
  const calls = new Buckets()
  const events = new Buckets()
  const policy: Authorization.AuthorizationPolicy = security.peers
  const domain = security._tag === "Spiffe" ? security.trustDomain : Option.none<string>()

  const rateOf = (role: Option.Option<Role.RoleName>): TokenBucket.TokenBucketOptions =>
    Option.match(role, {
      onNone: () => strangerRate,
      onSome: (name) => security.peers.rates[name] ?? Role.roles[name].rate
    })

  const decide = (call: ServerCall, requirement: Requirement) => {
    const { method } = call
    if (Option.isNone(call.peerCertificate)) return Result.fail(new Authorization.NoCertificate({ method }))
    const identity = PeerCertificate.identityOf(call.peerCertificate.value)
    const peer = CertificateIdentity.nameOf(identity)
    if (security._tag === "Spiffe" && Option.isSome(PeerRules.client(identity, security.peers, domain))) {
      return Result.fail(new Authorization.NotAllowed({ peer, method }))
    }
    return Result.map(Authorization.decide(identity, { method, requirement }, policy), (role) => ({ peer, role }))
  }

  const refuse = Effect.fnUntraced(
    function*(call: ServerCall, error: Authorization.AuthorizationError, nowMillis: number) {
      const peer = error._tag === "NoCertificate" ? "" : error.peer
      if (events.of(peer, eventRate).take(nowMillis)) {
        yield* monitor.record(
          SecurityEvent.UnauthorizedAccess.make({ peer, action: call.method, reason: error.message })
        )
      }
      return yield* toGrpc(error)
    }
  )

  const limit = Effect.fnUntraced(function*(
    peer: string,
    role: Option.Option<Role.RoleName>,
    nowMillis: number
  ) {
    const rate = rateOf(role)
    const bucket = calls.of(peer, rate)
    if (bucket.take(nowMillis)) return
    const { perSecond } = rate
    if (events.of(peer, eventRate).take(nowMillis)) {
      yield* monitor.record(SecurityEvent.RateLimitExceeded.make({ peer, perSecond }))
    }
    const retryAfter = String(bucket.retryAfterMillis(nowMillis))
    return yield* new ResourceExhausted({
      detail: `${peer} may make ${perSecond} calls a second here; retry after ${retryAfter} ms`,
      // The name that gRPC's own retries heed.
      trailers: { "grpc-retry-pushback-ms": [retryAfter] }
    })
  })

  return (call, handle) =>
    Effect.gen(function*() {
      const startedNanos = yield* Clock.monotonicTimeNanos
      const { requirement } = ruleOf(call.method)
      const decision = decide(call, requirement)
      const nowMillis = yield* Clock.currentTimeMillis
      yield* SecurityMetrics.authorized({
        isAllowed: Result.isSuccess(decision),
        action: requirement,
        peer: Result.isSuccess(decision) ? decision.success.peer : "",
        seconds: Number((yield* Clock.monotonicTimeNanos) - startedNanos) / 1e9
      })
      if (Result.isFailure(decision)) return yield* refuse(call, decision.failure, nowMillis)
      yield* limit(decision.success.peer, decision.success.role, nowMillis)
      return yield* handle
    })
}

/** For a server with these methods that listens on `host`; none where it speaks plain text. */
export const interceptors = Effect.fnUntraced(function*(
  configured: SecurityConfig,
  host: string,
  needed: ReadonlyArray<Requirements>
): Effect.fn.Return<ReadonlyArray<ServerInterceptor>, CredentialsError, SecurityMonitor | Credentials | Scope.Scope> {
  const security = yield* ConnectionSecurity.listening(configured, host)
  if (security._tag === "None") return []
  const monitor = yield* SecurityMonitor
  const rules = new Map([builtIn, ...needed].flatMap((one) => [...one]))
  const ruleOf = (method: string): MethodRule => rules.get(method) ?? unknownMethod
  const authorize = authorizer(security, ruleOf, monitor)
  if (SigningPolicy.isBlind(security.peers.signing)) return [authorize]
  const source = yield* (yield* Credentials).open(ConnectionSecurity.originOf(security))
  const verify = GrpcSigning.server({
    security,
    source,
    monitor,
    // Health says nothing that a connection does not say already.
    kindOf: (method) => {
      const { isStream, requirement } = ruleOf(method)
      return requirement === "none" ? "open" : isStream ? "stream" : "single"
    }
  })
  return [verify, authorize]
})

import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Option, Schedule, Stream } from "effect"
import * as path from "node:path"
import type { SecurityConfig } from "../../../src/domain/security/SecurityConfig.ts"
import * as SecurityConfigs from "../../../src/domain/security/SecurityConfig.ts"
import type { SecurityEvent } from "../../../src/domain/security/SecurityEvent.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as AgentServiceHandlers from "../../../src/layers/agent/AgentServiceHandlers.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import { PermissionDenied, Unavailable } from "../../../src/layers/grpc/GrpcError.ts"
import * as GrpcAuthorization from "../../../src/layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../../src/layers/security/GrpcCredentials.ts"
import * as LiveCredentials from "../../../src/layers/security/LiveCredentials.ts"
import { Credentials } from "../../../src/services/security/Credentials.ts"
import { SecurityMonitor } from "../../../src/services/security/SecurityMonitor.ts"
import { authority, validFor } from "../../support/authority.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import * as WorkloadApi from "../../support/workloadApi.ts"
import { agentService, serveOn, statusRequest, statusResponse } from "../grpc/fixture.ts"

const monitor = (events: Array<SecurityEvent>) =>
  Layer.succeed(SecurityMonitor, {
    record: (event) => Effect.sync(() => void events.push(event)),
    warnOfPlainText: () => Effect.void,
    summary: Effect.die("not asked for"),
    keep: Effect.never
  })

const credentials = (events: Array<SecurityEvent> = []) =>
  LiveCredentials.layer().pipe(Layer.provideMerge(monitor(events)), Layer.provideMerge(NodeServices.layer))

const until = (condition: () => boolean) =>
  Effect.suspend(() => condition() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeout("10 seconds")
  )

const domain = "example.org"
const id = (service: string) => `spiffe://${domain}/services/${service}`

const spiffe = (socket: string, block: Partial<SecurityConfigs.SecurityBlock> = {}): SecurityConfig =>
  SecurityConfigs.fromBlock({ mode: "spiffe", workload_socket: `unix://${socket}`, trust_domain: domain, ...block })

const opened = Effect.fnUntraced(function*(socket: string) {
  const service = yield* Credentials
  yield* Effect.forkScoped(service.keep)
  const source = yield* service.open({ _tag: "WorkloadApi", address: `unix:${socket}` })
  return { source, serial: () => Option.getOrUndefined(source.current())?.serialNumber }
})

const reasons = (events: ReadonlyArray<SecurityEvent>) =>
  events.flatMap((event) => event._tag === "CertificateRejected" ? [event.reason] : [])

describe("WorkloadApi", () => {
  it.live("follows every rotation on the stream", () =>
    Effect.gen(function*() {
      const socket = path.join(yield* temporaryFolder, "agent.sock")
      const ca = authority()
      yield* WorkloadApi.serve(socket, () =>
        Stream.fromEffectSchedule(
          Effect.sync(() => WorkloadApi.svid({ spiffeId: id("agent"), ca })),
          Schedule.spaced("200 millis")
        ))
      const { serial } = yield* opened(socket)

      const seen = new Set<string>()
      yield* until(() => {
        const now = serial()
        if (now !== undefined) seen.add(now)
        return seen.size >= 4
      })
    }).pipe(Effect.provide(credentials())))

  it.live("waits for an identity that is registered later, and says what it waits for", () => {
    const events: Array<SecurityEvent> = []
    return Effect.gen(function*() {
      const socket = path.join(yield* temporaryFolder, "agent.sock")
      const ca = authority()
      yield* WorkloadApi.serve(socket, (call) =>
        call < 2
          ? Stream.fail(new PermissionDenied({ detail: "no identity issued" }))
          : Stream.concat(Stream.make(WorkloadApi.svid({ spiffeId: id("agent"), ca })), Stream.never))
      const { serial, source } = yield* opened(socket)
      yield* until(() => events.length > 0)
      const waiting = source.trouble()
      const { ready } = yield* Credentials
      const unready = yield* Effect.flip(ready)

      yield* until(() => serial() !== undefined)
      yield* ready

      assert.strictEqual(unready.message, waiting)
      assert.include(waiting, "no identity is registered for this program yet")
    }).pipe(Effect.provide(credentials(events)))
  })

  it.live("keeps the last set when the stream is cut, and takes the next one from a new stream", () =>
    Effect.gen(function*() {
      const socket = path.join(yield* temporaryFolder, "agent.sock")
      const ca = authority()
      const one = Stream.make(WorkloadApi.svid({ spiffeId: id("agent"), ca }))
      const isSeen = yield* Deferred.make<void>()
      yield* WorkloadApi.serve(socket, (call) =>
        call === 0
          ? Stream.concat(one, Stream.fail(new Unavailable({ detail: "cut" })))
          : Stream.concat(
            Stream.fromEffect(Effect.as(Deferred.await(isSeen), WorkloadApi.svid({ spiffeId: id("agent"), ca }))),
            Stream.never
          ))
      const { serial } = yield* opened(socket)
      yield* until(() => serial() !== undefined)
      const first = serial()
      yield* Deferred.succeed(isSeen, undefined)

      yield* until(() => serial() !== first)

      assert.isDefined(serial())
    }).pipe(Effect.provide(credentials())))

  it.live("refuses a set of the wrong bundle, of another id and an expired one, and keeps the one in use", () => {
    const events: Array<SecurityEvent> = []
    return Effect.gen(function*() {
      const socket = path.join(yield* temporaryFolder, "agent.sock")
      const ca = authority()
      const api = yield* WorkloadApi.openStream
      yield* WorkloadApi.serve(socket, () => api.stream)
      const { serial } = yield* opened(socket)
      yield* api.send(WorkloadApi.svid({ spiffeId: id("agent"), ca }))
      yield* until(() => serial() !== undefined)
      const first = serial()

      yield* api.send(WorkloadApi.svid({ spiffeId: id("agent"), ca, bundle: authority("Other") }))
      yield* api.send(WorkloadApi.svid({
        spiffeId: id("agent"),
        ca,
        issued: ca.issue({ spiffeId: id("other"), dnsNames: [], addresses: [] })
      }))
      yield* api.send(WorkloadApi.svid({
        spiffeId: id("agent"),
        ca,
        issued: ca.issue({ spiffeId: id("agent"), dnsNames: [], addresses: [] }, validFor(-7_200_000, -3_600_000))
      }))
      yield* api.send({ svids: [], crl: [], federatedBundles: {} })
      yield* until(() => reasons(events).length >= 4)

      const told = reasons(events)
      assert.strictEqual(serial(), first)
      assert.match(told[0] ?? "", /does not chain/)
      assert.match(told[1] ?? "", /carries another id/)
      assert.match(told[2] ?? "", /has expired/)
      assert.match(told[3] ?? "", /gave no SPIFFE identity/)
    }).pipe(Effect.provide(credentials(events)))
  })

  it.live("uses a set no longer when it has expired", () =>
    Effect.gen(function*() {
      const socket = path.join(yield* temporaryFolder, "agent.sock")
      const ca = authority()
      const issued = ca.issue({ spiffeId: id("agent"), dnsNames: [], addresses: [] }, validFor(-1_000, 2_000))
      yield* WorkloadApi.serve(socket, () =>
        Stream.concat(Stream.make(WorkloadApi.svid({ spiffeId: id("agent"), ca, issued })), Stream.never))
      const { serial } = yield* opened(socket)
      yield* until(() =>
        serial() !== undefined
      )

      yield* until(() => serial() === undefined)
    }).pipe(Effect.provide(credentials())))

  it.live("lets workloads speak whose ids fit, whatever their addresses, and nobody else", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const ca = authority()
      const elsewhere = authority("Elsewhere")
      const sockets = Object.fromEntries(
        yield* Effect.forEach(
          [
            ["agent", WorkloadApi.svid({ spiffeId: id("agent"), ca })],
            ["poller", WorkloadApi.svid({ spiffeId: id("poller"), ca })],
            ["sync", WorkloadApi.svid({ spiffeId: id("sync"), ca })],
            [
              "stranger",
              WorkloadApi.svid({
                spiffeId: "spiffe://elsewhere.org/services/poller",
                ca: elsewhere,
                federated: { [domain]: ca }
              })
            ]
          ] as const,
          Effect.fnUntraced(function*([name, response]) {
            const socket = path.join(folder, `${name}.sock`)
            yield* WorkloadApi.serve(socket, () => Stream.concat(Stream.make(response), Stream.never))
            return [name, socket] as const
          })
        )
      )
      const service = yield* Credentials
      yield* Effect.forkScoped(service.keep)
      const own = spiffe(sockets["agent"] ?? "")
      const server = yield* serveOn(
        0,
        {
          credentials: yield* GrpcCredentials.server(own, "127.0.0.1"),
          interceptors: yield* GrpcAuthorization.interceptors(own, "127.0.0.1", [AgentServiceHandlers.requirements])
        },
        agentService({ getStatus: () => Effect.succeed(statusResponse("there")) })
      )
      const target = `127.0.0.1:${server.port}`
      const ask = Effect.fnUntraced(function*(security: SecurityConfig) {
        const credentials = yield* GrpcCredentials.client(security, target)
        const client = yield* GrpcClient.make(AgentServiceService, { target, credentials })
        return yield* client.getStatus(statusRequest("s"), { deadline: "5 seconds", waitForReady: false }).pipe(
          // The first identity may come a moment after the first call.
          Effect.retry({
            times: 20,
            schedule: Schedule.spaced("100 millis"),
            while: ({ detail }) => /no identity|SSL|hang up|ECONNRESET|disconnected/i.test(detail)
          }),
          Effect.match({ onFailure: (error) => `${error._tag}: ${error.detail}`, onSuccess: () => "answered" })
        )
      })

      const exact = { server_spiffe_id: id("agent") }
      assert.strictEqual(yield* ask(spiffe(sockets["poller"] ?? "", exact)), "answered")
      assert.strictEqual(yield* ask(spiffe(sockets["poller"] ?? "")), "answered")
      assert.include(
        yield* ask(spiffe(sockets["poller"] ?? "", { server_spiffe_id: id("core") })),
        `the peer is ${id("agent")}, expected ${id("core")}`
      )
      assert.include(yield* ask(spiffe(sockets["sync"] ?? "", exact)), "PermissionDenied")
      assert.include(yield* ask(spiffe(sockets["stranger"] ?? "", exact)), "Unavailable")
    }).pipe(Effect.provide(credentials())))
})

/** Certificates of both ends change under load: no call may notice. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, References, Schedule } from "effect"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as AgentServiceHandlers from "../../../src/layers/agent/AgentServiceHandlers.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcAuthorization from "../../../src/layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../../src/layers/security/GrpcCredentials.ts"
import { Credentials } from "../../../src/services/security/Credentials.ts"
import { authority, write } from "../../support/authority.ts"
import { secured } from "../../support/secured.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import { agentService, serveOn, statusRequest, statusResponse } from "../grpc/fixture.ts"

const rotations = 10

const mtls = (folder: string, name: string): SecurityConfig.SecurityConfig =>
  SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: folder,
    server_name: "agent.serviceradar",
    role: "agent",
    tls: { cert_file: `${name}.pem`, key_file: `${name}-key.pem`, ca_file: "root.pem" },
    rate_limits: { poller: { per_second: 10_000, burst: 10_000 } },
    signing: { send: true, verify: "require" }
  })

describe("Rotation", () => {
  it.live(
    "of both ends ten times, with 200 calls between two of them, fails no call and moves every connection",
    () =>
      Effect.gen(function*() {
        const ca = authority()
        const folder = yield* temporaryFolder
        const rotate = Effect.promise(async () => {
          await write(folder, "agent", ca.issue({ commonName: "agent.serviceradar" }), ca.root)
          await write(folder, "poller", ca.issue({ commonName: "poller.serviceradar" }), ca.root)
        })
        yield* rotate
        const certificates = yield* Credentials
        yield* Effect.forkScoped(certificates.keep)
        const agent = mtls(folder, "agent")
        const serials = new Map<string, number>()
        const server = yield* serveOn(
          0,
          {
            credentials: yield* GrpcCredentials.server(agent, "127.0.0.1"),
            interceptors: yield* GrpcAuthorization.interceptors(agent, "127.0.0.1", [AgentServiceHandlers.requirements])
          },
          agentService({
            getStatus: (_, call) =>
              Effect.sync(() => {
                const serial = Option.match(call.peerCertificate, {
                  onNone: () => "none",
                  onSome: (one) => one.serialNumber
                })
                serials.set(serial, Date.now())
                return statusResponse("there")
              })
          })
        )
        const target = `127.0.0.1:${server.port}`
        const credentials = yield* GrpcCredentials.client(mtls(folder, "poller"), target)
        const client = yield* GrpcClient.make(AgentServiceService, { target, credentials })
        let calls = 0
        const failures: Array<string> = []
        const call = client.getStatus(statusRequest("s"), { deadline: "10 seconds" }).pipe(
          Effect.match({ onFailure: (error) => void failures.push(error.message), onSuccess: () => void (calls += 1) }),
          Effect.andThen(Effect.sleep("20 millis")),
          Effect.forever
        )
        yield* Effect.forEach(Array.from({ length: 40 }), () => Effect.forkScoped(call), { discard: true })

        const another = (known: number, callsMin: number) =>
          Effect.suspend(() => serials.size > known && calls >= callsMin ? Effect.void : Effect.fail("not yet")).pipe(
            Effect.retry(Schedule.spaced("50 millis")),
            Effect.timeout("15 seconds")
          )
        yield* another(0, 1)
        for (let round = 0; round < rotations; round++) {
          const known = serials.size
          const callsBefore = calls
          yield* rotate
          yield* another(known, callsBefore + 200)
        }
        const movedAt = Date.now()
        const newest = [...serials.keys()].at(-1)
        yield* Effect.sleep("3 seconds")
        const stillUsed = [...serials].filter(([serial, usedAt]) => serial !== newest && usedAt > movedAt + 2_000)

        assert.deepStrictEqual(failures, [])
        assert.isAbove(serials.size, rotations)
        assert.deepStrictEqual(stillUsed, [])
      }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")),
    90_000
  )
})

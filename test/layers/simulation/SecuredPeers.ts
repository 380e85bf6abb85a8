/** A server that says whom it knows a client by, and a world in which one asks it. */
import { Effect, Option, type Scope } from "effect"
import { GrpcCarrier } from "../../../src/layers/grpc/carrier/GrpcCarrier.ts"
import type * as GrpcCredentials from "../../../src/layers/grpc/GrpcCredentials.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import * as SimulatedGrpc from "../../../src/layers/simulation/SimulatedGrpc.ts"
import * as Link from "../../../src/services/simulation/Link.ts"
import { Network } from "../../../src/services/simulation/Network.ts"
import { World } from "../../../src/services/simulation/World.ts"
import { agentService, statusResponse } from "../grpc/fixture.ts"

const service = agentService({
  getStatus: (_, call) =>
    Effect.sync(() =>
      statusResponse(
        "s",
        Option.match(call.peerCertificate, {
          onNone: () => "nobody",
          onSome: ({ serialNumber, subject }) => `${subject.CN} ${serialNumber}`
        })
      )
    )
})

export const serving = (credentials: GrpcCredentials.ServerCredentials, host: string, port: number) =>
  GrpcServer.make({
    host,
    port,
    credentials,
    grace: "100 millis",
    services: [service]
  })

/** What a client answers in a world of now. */
export const inWorld = <A>(
  served: Effect.Effect<unknown, unknown, Scope.Scope>,
  client: Effect.Effect<A, unknown, Scope.Scope>,
  onDial = () => {}
): A | undefined => {
  const world = new World({ seed: "1", epochMillis: Date.now() })
  const network = new Network(world, Link.lan)
  network.onDial = onDial
  let answer: A | undefined
  const host = (name: string, program: Effect.Effect<unknown, unknown, Scope.Scope>) =>
    world.addHost(name, {
      restartAfterMillis: 1e9,
      program: () =>
        Effect.provideService(
          Effect.andThen(Effect.scoped(program), Effect.never),
          GrpcCarrier,
          SimulatedGrpc.carrier(network)
        )
    }).start()
  host("server", Effect.andThen(served, Effect.never))
  host(
    "client",
    Effect.gen(function*() {
      yield* Effect.sleep("1 second")
      answer = yield* client
    })
  )
  world.runUntil(60_000)
  return answer
}

/**
 * Random certificates, good and bad ones, and random roots: whoever is let in over this machine's network is let in over a
 * simulated one, and is known by the same certificate.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Seeded } from "../../../src/domain/simulation/Seeded.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcCredentials from "../../../src/layers/grpc/GrpcCredentials.ts"
import * as Histories from "../../services/simulation/contracts/Histories.ts"
import { authority, type Issued, validFor } from "../../support/authority.ts"
import { statusRequest } from "../grpc/fixture.ts"
import { inWorld, serving } from "./SecuredPeers.ts"

const hour = 3_600_000
const over = validFor(-2 * hour, -hour)
const names = ["agent.serviceradar", "core.serviceradar"]

const ours = authority("Ours")
const theirs = authority("Theirs")
const former = authority("Former", over)
const below = authority("Below ours", undefined, ours.issuer)
const formerBelow = authority("Formerly below ours", over, ours.issuer)
const belowFormer = authority("Below former", undefined, former.issuer)

const roots = [ours, theirs, former, below, formerBelow, belowFormer].map(({ root }) => root)

/** Of each authority one for now, one that is over and one that is not yet; those below others with and without what is between. */
const identities: ReadonlyArray<Issued> = [ours, theirs, former, below, formerBelow, belowFormer].flatMap((one) =>
  [undefined, over, validFor(hour, 2 * hour)].flatMap((validity) =>
    names.flatMap((commonName) => {
      const issued = one.issue({ commonName }, validity)
      return [issued, { ...issued, cert: issued.cert + one.root }]
    })
  )
)
const good: ReadonlyArray<Issued> = names.map((commonName) => ours.issue({ commonName }))

interface Side {
  /** None: plain text. */
  readonly identity: Issued | undefined
  readonly ca: string
  /** That the other one must bear, for a client. */
  readonly serverName: string
}

const sideOf = (random: Seeded): Side => ({
  identity: random.chance(0.05) ? undefined : random.pick(random.chance(0.5) ? good : identities),
  ca: random.chance(0.4)
    ? ours.root
    : Array.from({ length: random.between(1, 2) }, () => random.pick(roots) ?? "").join(""),
  serverName: random.pick(names) ?? ""
})

const historyOf = (seed: number) => {
  const random = Histories.randomOf("secured", seed)
  return { server: sideOf(random), clients: Histories.draw(random, 1, 4, sideOf) }
}

const clientOf = ({ ca, identity, serverName }: Side) =>
  identity === undefined
    ? Effect.succeed(GrpcCredentials.plainClient)
    : GrpcCredentials.mutualClient({ ...identity, ca, serverName })

const serverOf = ({ ca, identity }: Side) =>
  identity === undefined
    ? Effect.succeed(GrpcCredentials.plainServer)
    : GrpcCredentials.mutualServer({ ...identity, ca })

/** What becomes of a call by each of them, one after the other. */
const asking = (target: string, clients: ReadonlyArray<GrpcCredentials.ClientCredentials>) =>
  Effect.forEach(clients, (credentials) =>
    Effect.scoped(Effect.gen(function*() {
      const agent = yield* GrpcClient.make(AgentServiceService, { target, credentials, connectTimeout: "10 seconds" })
      return yield* Effect.match(agent.getStatus(statusRequest("s"), { deadline: "20 seconds" }), {
        onFailure: ({ _tag }): string => _tag,
        onSuccess: ({ message }) => new TextDecoder().decode(message)
      })
    })))

describe("gRPC with certificates", () => {
  it.live("lets in over a simulated network whom it lets in over this machine's", () =>
    Effect.gen(function*() {
      const answers = new Map<boolean, number>()
      for (const seed of Histories.seeds) {
        const history = historyOf(seed)
        const credentials = yield* serverOf(history.server)
        const clients = yield* Effect.forEach(history.clients, clientOf)
        const real = yield* Effect.scoped(
          Effect.flatMap(serving(credentials, "127.0.0.1", 0), ({ address }) => asking(address, clients))
        )

        const simulated = inWorld(serving(credentials, "0.0.0.0", 50_051), asking("server:50051", clients))

        assert.deepStrictEqual(simulated, real, `seed ${seed}`)
        for (const one of real) answers.set(one === "Unavailable", (answers.get(one === "Unavailable") ?? 0) + 1)
      }
      // Some are let in, and some are not.
      assert.lengthOf([...answers.keys()], 2)
    }), Histories.timeoutMillis)
})

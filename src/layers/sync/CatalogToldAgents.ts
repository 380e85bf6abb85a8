/** What agents were told, in the spool's catalog. */
import { Effect, Layer, Result, Schema } from "effect"
import { Told, ToldAgents } from "../../services/sync/ToldAgents.ts"
import { SpoolFolder } from "./SqliteSpool.ts"

const Body = Schema.fromJsonString(Told)
const decodeBody = Schema.decodeUnknownResult(Body)
const encodeBody = Schema.encodeSync(Body)

const nothing: Told = { sha256: "", writtenAt: 0, objects: [] }

export const layer = Layer.effect(
  ToldAgents,
  Effect.map(SpoolFolder, ({ catalog }) =>
    ToldAgents.of({
      // What cannot be read is as good as never written: it is written again.
      read: (agentId) =>
        Effect.map(catalog.read("reading what an agent was told", (tables) => tables.told(agentId)), (body) =>
          body === undefined ? nothing : Result.getOrElse(decodeBody(body), () => nothing)),
      write: (agentId, told) =>
        catalog.run("noting what an agent was told", (tables) =>
          tables.setTold(agentId, encodeBody(told)))
    }))
)

/** What the event writer's tree lives in: a JetStream that redelivers, and a database that answers, both in memory. */
import { Effect, Layer, Option, Stream } from "effect"
import * as EventWriterSettings from "../../../src/domain/events/settings/EventWriterSettings.ts"
import { NatsConnection } from "../../../src/layers/nats/connection/NatsConnection.ts"
import { DatabaseUnavailable, PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import { StreamRecords } from "../../../src/services/event-writer/StreamRecords.ts"
import { TraceSummaries } from "../../../src/services/events/TraceSummaries.ts"
import type { TreeCheck } from "../../../src/services/supervision/testing/index.ts"
import * as Fixture from "../../services/event-writer/WriterFixture.ts"

const connections = Layer.mergeAll(
  Layer.mock(NatsConnection, { keep: Effect.never, check: Effect.void, changes: Stream.never }),
  // Nobody writes by it here, and whoever else asks goes without a database until it is there.
  Layer.mock(PgConnection, {
    keep: Effect.never,
    check: Effect.void,
    client: Effect.fail(new DatabaseUnavailable({ detail: "there is none" }))
  }),
  Layer.succeed(TraceSummaries, { refresh: Effect.succeed({ written: 0, removed: 0, isSkipped: false }) })
)

export const settings: EventWriterSettings.EventWriterSettings = {
  ...EventWriterSettings.resolve([]),
  streams: [Fixture.settings],
  grpc: Option.none()
}

/** Each world has so many messages, whose rows are to be stored before they are acknowledged. */
export const make = (logs: number) => {
  const world = new Fixture.World()
  world.publishLogs(logs)
  const acknowledged = () => new Set(world.entries("ack")).size
  const promises: ReadonlyArray<TreeCheck.Promised> = [
    {
      name: "nothing is acknowledged before it is stored",
      when: "always",
      broken: Effect.sync(() => {
        const stored = world.entries("stored").length
        return acknowledged() > stored ? `${acknowledged()} are, ${stored} are stored` : undefined
      })
    },
    {
      name: "every message is stored and acknowledged in the end",
      when: "healed",
      broken: Effect.sync(() => acknowledged() === logs ? undefined : `${acknowledged()} of ${logs} are`)
    }
  ]
  return {
    promises,
    layer: StreamRecords.layerStatuses.pipe(Layer.provideMerge(Layer.merge(Fixture.collaborators(world), connections)))
  }
}

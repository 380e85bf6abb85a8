/** TEMPORARY stand-in of helper E, not committed: helper B writes this file. */
import { Effect, Layer } from "effect"
import { EventPublisher } from "../../services/event-writer/EventPublisher.ts"
import { NatsConnection } from "./NatsConnection.ts"
export const layer = () =>
  Layer.effect(
    EventPublisher,
    Effect.gen(function*() {
      const connection = yield* NatsConnection
      const queue: Array<{ subject: string; data: Uint8Array }> = []
      yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
        const client = yield* Effect.option(connection.client)
        if (client._tag === "Some") {
          for (const one of queue.splice(0)) client.value.nc.publish(one.subject, one.data)
        }
        yield* Effect.sleep("50 millis")
      })))
      return {
        offer: (event) => {
          queue.push(event)
          if (queue.length > 5000) queue.shift()
        }
      }
    })
  )

import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted, Schedule } from "effect"
import * as http from "node:http"
import * as PollerAlert from "../../../src/domain/core/PollerAlert.ts"
import { PollerId } from "../../../src/domain/monitoring/Ids.ts"
import * as HttpWebhooks from "../../../src/layers/core/HttpWebhooks.ts"
import { AlertWebhooks } from "../../../src/services/core/AlertWebhooks.ts"
import { listening, portOf } from "../probes/probing.ts"

const alert = PollerAlert.of({
  pollerId: PollerId.make("p"),
  isMissed: true,
  atMillis: 60_000,
  silenceMillis: 100_900
}, "vm")

const until = (holds: () => boolean) =>
  Effect.suspend(() => holds() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry(Schedule.spaced("10 millis")),
    Effect.timeout("10 seconds")
  )

describe("HttpWebhooks", () => {
  it.live("posts the body of the existing core, again when it was not taken, and not within the cooldown", () =>
    Effect.gen(function*() {
      const received: Array<{ readonly headers: http.IncomingHttpHeaders; readonly body: string }> = []
      let failures = 1
      let told = 0
      const server = yield* listening(() =>
        http.createServer((request, response) => {
          let body = ""
          request.on("data", (part: Buffer) => body += part.toString())
          request.on("end", () => {
            response.writeHead(failures-- > 0 ? 503 : 204).end()
            if (failures < 0) received.push({ headers: request.headers, body })
          })
        })
      )
      const webhook = {
        url: Redacted.make(`http://127.0.0.1:${portOf(server)}/hook?token=secret`),
        headers: { authorization: "Bearer x" },
        cooldown: Duration.minutes(15)
      }
      yield* Effect.gen(function*() {
        const webhooks = yield* AlertWebhooks
        yield* Effect.forkChild(webhooks.run)
        const offer = webhooks.offer(alert, Effect.sync(() => void (told += 1)))
        yield* Effect.andThen(offer, offer)
        // The second is not sent, and so told as soon as it has its turn.
        yield* until(() => told === 2)
      }).pipe(Effect.provide(HttpWebhooks.layer([webhook])))

      assert.lengthOf(received, 1)
      assert.strictEqual(received[0]?.headers.authorization, "Bearer x")
      assert.deepStrictEqual(JSON.parse(received[0]?.body ?? ""), {
        level: "error",
        title: "Poller Offline",
        message: "Poller 'p' is offline",
        timestamp: "1970-01-01T00:01:00Z",
        poller_id: "p",
        details: { duration: "1m40.9s", hostname: "vm" }
      })
    }).pipe(Effect.scoped))
})

/**
 * Posts alerts to webhooks, one after another and each to all of them at once, with the body of the existing core.
 *
 * An alert of the same title about the same poller is not repeated within a webhook's cooldown. One that is not taken is
 * tried again for about half a minute, and then the log has it; core offers it once more when it starts again.
 */
import { Duration, Effect, Layer, Queue, Redacted } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import type { PollerAlert } from "../../domain/core/PollerAlert.ts"
import type { Webhook } from "../../domain/core/WebhookConfig.ts"
import * as Monotonic from "../../services/clock/Monotonic.ts"
import { AlertWebhooks } from "../../services/core/AlertWebhooks.ts"

const waitingMax = 1_000
const timeout = "10 seconds"
const again = Backoff.capped({ from: "1 second", to: "10 seconds" })
const patience = Duration.seconds(30)
/** Titles and pollers remembered for the cooldown. */
const rememberedMax = 10_000

const keyOf = ({ poller_id, title }: PollerAlert): string => `${title} ${poller_id}`

/** Remembers when a webhook took what: one that did not is told again however soon. Moments are of a monotonic clock. */
const memory = ({ cooldown }: Webhook) => {
  const took = new Map<string, number>()
  return {
    isCooling: (alert: PollerAlert, nowMillis: number): boolean => {
      const before = took.get(keyOf(alert))
      return before !== undefined && nowMillis - before < Duration.toMillis(cooldown)
    },
    note: (alert: PollerAlert, nowMillis: number): void => {
      if (took.size >= rememberedMax) took.clear()
      took.set(keyOf(alert), nowMillis)
    }
  }
}

const originOf = ({ url }: Webhook): string => URL.parse(Redacted.value(url))?.origin ?? ""

/** Whether it was taken. */
const post = Effect.fnUntraced(function*(webhook: Webhook, alert: PollerAlert) {
  const client = yield* HttpClient.HttpClient
  const request = HttpClientRequest.post(Redacted.value(webhook.url)).pipe(
    HttpClientRequest.bodyJsonUnsafe(alert),
    HttpClientRequest.setHeaders(webhook.headers)
  )
  const isWithinPatience = yield* Monotonic.within(patience)
  return yield* client.execute(request).pipe(
    Effect.flatMap(HttpClientResponse.filterStatusOk),
    Effect.timeout(timeout),
    Effect.retry({ schedule: again, while: () => isWithinPatience }),
    Effect.as(true),
    Effect.catch((error) =>
      Effect.as(
        Effect.logError(
          `The webhook at ${originOf(webhook)} was not told "${alert.title}" of ${alert.poller_id}, ` +
            `and will be at the next start: ${error._tag}`
        ),
        false
      )
    ),
    // Its address may carry a token.
    Effect.withTracerEnabled(false),
    Effect.scoped
  )
})

interface Offered {
  readonly alert: PollerAlert
  readonly told: Effect.Effect<void>
}

export const layer = (webhooks: ReadonlyArray<Webhook>): Layer.Layer<AlertWebhooks> =>
  webhooks.length === 0 ? Layer.succeed(AlertWebhooks, AlertWebhooks.none) : Layer.effect(
    AlertWebhooks,
    Effect.gen(function*() {
      const waiting = yield* Queue.sliding<Offered>(waitingMax)
      const targets = webhooks.map((webhook) => ({ webhook, memory: memory(webhook) }))
      const send = Effect.fnUntraced(function*({ alert, told }: Offered) {
        const nowMillis = yield* Monotonic.millis
        const due = targets.filter(({ memory }) => !memory.isCooling(alert, nowMillis))
        const taken = yield* Effect.forEach(
          due,
          ({ memory, webhook }) =>
            Effect.tap(post(webhook, alert), (isTaken) => Effect.sync(() => isTaken && memory.note(alert, nowMillis))),
          { concurrency: "unbounded" }
        )
        if (taken.every((isTaken) => isTaken)) yield* told
      })
      return AlertWebhooks.of({
        count: webhooks.length,
        offer: (alert, told) => Effect.asVoid(Queue.offer(waiting, { alert, told })),
        run: Effect.forever(Effect.flatMap(Queue.take(waiting), send)).pipe(Effect.provide(FetchHttpClient.layer))
      })
    })
  )

/**
 * Posts critical security events to the address in `SERVICERADAR_SECURITY_WEBHOOK`, one JSON object each.
 *
 * The address may carry a token, so it comes from the environment and appears nowhere; what could not be delivered is
 * tried again by the monitor, and is in the log in any case.
 */
import { Config, Context, DateTime, Effect, Layer, Option, Redacted, Schema } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import { AlertError, type SecurityAlert, SecurityAlerts } from "../../services/security/SecurityMonitor.ts"

export const variable = "SERVICERADAR_SECURITY_WEBHOOK"

export class InvalidWebhook extends Schema.TaggedError<InvalidWebhook>()("InvalidWebhook", {}) {
  override get message(): string {
    // Not what it holds: half an address may be a whole secret.
    return `${variable} is no address such as https://alerts.example.org/hook`
  }
}

const isAddress = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? "")

const bodyOf = ({ atMillis, event }: SecurityAlert) => ({
  timestamp: DateTime.formatIso(DateTime.makeUnsafe(atMillis)),
  ...SecurityEvent.toRecord(event)
})

const post = (client: HttpClient.HttpClient, address: Redacted.Redacted<string>) => (alert: SecurityAlert) =>
  client.execute(HttpClientRequest.post(Redacted.value(address)).pipe(HttpClientRequest.bodyJsonUnsafe(bodyOf(alert))))
    .pipe(
      Effect.flatMap(HttpClientResponse.filterStatusOk),
      Effect.asVoid,
      Effect.mapError((error) =>
        new AlertError({ reason: `the webhook answered ${error.response?.status ?? "nothing"} (${error.reason._tag})` })
      ),
      // A span would hold the address.
      Effect.withTracerEnabled(false),
      Effect.scoped
    )

/** Tells nobody unless the variable is set. */
export const layer = Layer.unwrap(
  Effect.gen(function*() {
    const address = yield* Config.option(Config.Redacted(variable))
    if (Option.isNone(address) || Redacted.value(address.value).trim() === "") {
      return Layer.succeedContext(Context.empty())
    }
    if (!isAddress(Redacted.value(address.value))) return yield* new InvalidWebhook()
    return Layer.effect(
      SecurityAlerts,
      Effect.map(HttpClient.HttpClient, (client) => post(client, address.value))
    ).pipe(Layer.provide(FetchHttpClient.layer))
  })
)

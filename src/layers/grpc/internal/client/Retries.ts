/**
 * Counts the calls that are sent again of our own accord: those that the peer has surely not seen, because the connection
 * ended before it took them.
 *
 * Nobody else hears of them, so without this number nobody knows what the end of a connection, such as a renewed
 * certificate brings about, would have cost. grpc-js tells only its own debug log, so its attempts are counted where they
 * begin; a grpc-js without that place counts none.
 */
import { RetryingCall } from "@grpc/grpc-js/build/src/retrying-call.js"
import { Context, Metric } from "effect"

const retries = Metric.counter("grpc_client_retries_total", {
  description: "Calls sent again because the peer had not taken them",
  incremental: true
})

const place = "startNewAttempt"

/** Set once for a call that went out and was refused; one that had not gone out yet is only sent, not sent again. */
const wasRefused = (call: object): boolean => Reflect.get(call, "transparentRetryUsed") === true

const none = Context.empty()

/** Of a client of ours. */
export const count = (): void => retries.updateUnsafe(1, none)

let isWatching = false

export const watch = (): void => {
  if (isWatching) return
  isWatching = true
  const begin: unknown = Reflect.get(RetryingCall.prototype, place)
  if (typeof begin !== "function") return
  // So that it is there, as 0, before there is one.
  retries.updateUnsafe(0, none)
  Reflect.set(RetryingCall.prototype, place, function(this: object, ...args: ReadonlyArray<unknown>) {
    if (wasRefused(this)) count()
    return Reflect.apply(begin, this, args)
  })
}

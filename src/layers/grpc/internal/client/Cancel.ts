/**
 * Cancels a call so that the server hears of it. grpc-js forgets a cancel that comes between the start of a call and the
 * opening of its stream, and then sends the call although nobody waits for it; a second cancel, once everything that was
 * due has run, finds the stream.
 */
import { setImmediate } from "node:timers"

export const cancel = (call: { readonly cancel: () => void }): void => {
  call.cancel()
  setImmediate(() => call.cancel())
}

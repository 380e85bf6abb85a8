/**
 * A step in preparing or running a server process of ours that did not work.
 *
 * Says nothing about which server: whoever prepares one wraps it into an error that names it.
 */
import { Duration, Schema } from "effect"
import * as HostPort from "../../domain/sockets/HostPort.ts"
import { systemText } from "./SystemText.ts"

/** `detail` holds the reason of the operating system or of the tool. */
export class SetupFailed extends Schema.TaggedError<SetupFailed>()("SetupFailed", {
  step: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.step}: ${this.detail}`
  }
}

/** What went wrong, in the operating system's words. */
export const describeCause = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/** For `Effect.mapError`: an error of the operating system as a failed step. */
export const failedAt = (step: string) => (error: { readonly message: string }): SetupFailed =>
  new SetupFailed({ step, detail: systemText(error) })

/** A server that was started and answers nobody. */
export const noAnswer = (
  address: HostPort.HostPort,
  limit: Duration.Duration
): SetupFailed =>
  new SetupFailed({
    step: "waiting for the server",
    detail: `no answer on ${HostPort.format(address)} within ${Duration.format(limit)}`
  })

/** Why a device could not be asked: apart from the library that asks, which is loaded when it is needed. */
import { Schema } from "effect"

/** The device did not answer, or not in a way that can be understood. */
export class SnmpFailed extends Schema.TaggedError<SnmpFailed>()("SnmpFailed", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/**
 * What can go wrong with the nats-server that we run ourselves.
 *
 * Each error names what an operator can change. `NatsExited` is the only one that a running server can end with; all
 * others happen while it is prepared.
 */
import { Schema } from "effect"

/** One way to a server program that did not lead to one. */
const Attempt = Schema.Struct({ way: Schema.String, problem: Schema.String })
export type Attempt = typeof Attempt.Type

/** There is no nats-server here that works, and none could be had. */
export class NatsServerUnavailable extends Schema.TaggedError<NatsServerUnavailable>()("NatsServerUnavailable", {
  tried: Schema.Array(Attempt),
  /** How to get one on this platform. */
  advice: Schema.String
}) {
  override get message(): string {
    const tried = this.tried.map(({ problem, way }) => `${way}: ${problem}`).join("; ")
    return `No nats-server (${tried}). ${this.advice}`
  }
}

/** A step of the preparation failed; `detail` holds the reason of the operating system or of the server. */
export class NatsSetupFailed extends Schema.TaggedError<NatsSetupFailed>()("NatsSetupFailed", {
  step: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `NATS could not be prepared (${this.step}): ${this.detail}`
  }
}

/** Another live program owns the folder. */
export class NatsInUse extends Schema.TaggedError<NatsInUse>()("NatsInUse", {
  directory: Schema.String,
  pid: Schema.Int
}) {
  override get message(): string {
    return `${this.directory} is in use by process ${this.pid}: stop it first, or choose another folder`
  }
}

/** The server process ended without being asked to. */
export class NatsExited extends Schema.TaggedError<NatsExited>()("NatsExited", {
  code: Schema.NullOr(Schema.Int),
  signal: Schema.NullOr(Schema.String),
  lastLogLines: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const how = this.signal === null ? `with code ${this.code}` : `by ${this.signal}`
    const last = this.lastLogLines.findLast((line) => /\[FTL\]|^nats-server:/.test(line)) ?? this.lastLogLines.at(-1)
    return `NATS ended ${how}${last === undefined ? "" : `: ${last}`}`
  }
}

export type NatsStartError = NatsSetupFailed | NatsInUse | NatsExited

/**
 * The sixteen failures of gRPC as tagged errors.
 *
 * A handler fails with one of them to choose the status its caller sees (`new NotFound({ detail: "…" })`); a client
 * call fails with one of them, and then `method` and `peer` say who answered, and `trailers` what came with it.
 */
import { Effect, Schema } from "effect"
import { GrpcMetadata } from "./GrpcMetadata.ts"

const fields = {
  /** Full path, `/package.Service/Method`; empty until the call it belongs to is known. */
  method: Schema.String.pipe(Schema.withConstructorDefault(Effect.succeed(""))),
  /** Address that answered, or the target when nobody did. */
  peer: Schema.String.pipe(Schema.withConstructorDefault(Effect.succeed(""))),
  detail: Schema.String,
  trailers: GrpcMetadata.pipe(Schema.withConstructorDefault(Effect.succeed({})))
}

const describe = (error: { _tag: string; method: string; peer: string; detail: string }): string => {
  const where = error.peer === "" ? error.method : `${error.method} at ${error.peer}`
  return `${where === "" ? "" : `${where}: `}${error._tag}: ${error.detail}`
}

export class Cancelled extends Schema.TaggedError<Cancelled>()("Cancelled", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class Unknown extends Schema.TaggedError<Unknown>()("Unknown", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class InvalidArgument extends Schema.TaggedError<InvalidArgument>()("InvalidArgument", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class AlreadyExists extends Schema.TaggedError<AlreadyExists>()("AlreadyExists", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class PermissionDenied extends Schema.TaggedError<PermissionDenied>()("PermissionDenied", fields) {
  override get message(): string {
    return describe(this)
  }
}

/** Also what a message above the size limit ends with. */
export class ResourceExhausted extends Schema.TaggedError<ResourceExhausted>()("ResourceExhausted", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class FailedPrecondition extends Schema.TaggedError<FailedPrecondition>()("FailedPrecondition", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class Aborted extends Schema.TaggedError<Aborted>()("Aborted", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class OutOfRange extends Schema.TaggedError<OutOfRange>()("OutOfRange", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class Unimplemented extends Schema.TaggedError<Unimplemented>()("Unimplemented", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class Internal extends Schema.TaggedError<Internal>()("Internal", fields) {
  override get message(): string {
    return describe(this)
  }
}

/** The peer cannot be reached, or the connection broke during the call. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class DataLoss extends Schema.TaggedError<DataLoss>()("DataLoss", fields) {
  override get message(): string {
    return describe(this)
  }
}

export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()("Unauthenticated", fields) {
  override get message(): string {
    return describe(this)
  }
}

/** Position = status code; 0 is OK and no error. */
const classes = [
  undefined,
  Cancelled,
  Unknown,
  InvalidArgument,
  DeadlineExceeded,
  NotFound,
  AlreadyExists,
  PermissionDenied,
  ResourceExhausted,
  FailedPrecondition,
  Aborted,
  OutOfRange,
  Unimplemented,
  Internal,
  Unavailable,
  DataLoss,
  Unauthenticated
] as const

export type GrpcError = InstanceType<NonNullable<(typeof classes)[number]>>

/** The error of a status code; a code nobody defined becomes `Unknown`, as the specification asks. */
export const fromStatus = (
  code: number,
  given: { method: string; peer: string; detail: string; trailers?: GrpcMetadata }
): GrpcError => new (classes[code] ?? Unknown)(given)

export const statusCode = (error: GrpcError): number =>
  classes.findIndex((one) => one !== undefined && error instanceof one)

/** `true` for what may pass by itself, as the existing poller judges it: the same call may be sent again. */
export const isRetryable = (error: GrpcError): boolean =>
  error._tag === "Unavailable" || error._tag === "DeadlineExceeded" || error._tag === "ResourceExhausted"

/**
 * Listening ports that a process shares with the one that replaces it.
 *
 * Both listen with `SO_REUSEPORT`, and the kernel gives each connection to one of them. A program that is started by
 * itself must not share by mistake, so it looks first whether somebody listens; the one that replaces another does not.
 */
import { Effect, Schema } from "effect"
import * as net from "node:net"

/** `alone`: nobody else may listen there yet. `beside`: also where a process listens that lets us. */
export type PortSharing = "alone" | "beside"

/** Somebody listens there, or nobody can. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  /** As the operating system has it, for example `EADDRINUSE`; empty when it does not say. */
  code: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

type Place = Pick<net.ListenOptions, "host" | "path" | "port">

const taken = (cause: NodeJS.ErrnoException) => new PortTaken({ code: cause.code ?? "", detail: cause.message })

const lookAt = (place: Place): Effect.Effect<void, PortTaken> =>
  Effect.callback<void, PortTaken>((resume) => {
    const server = net.createServer((socket) => socket.destroy())
    server.once("error", (error) => resume(Effect.fail(taken(error))))
    server.listen({ ...place, exclusive: true }, () => server.close(() => resume(Effect.void)))
    return Effect.sync(() => server.close())
  })

/** What to listen with; fails when somebody listens there who must not. */
export const listenOptions = (
  place: Place,
  sharing: PortSharing | undefined
): Effect.Effect<net.ListenOptions, PortTaken> => {
  if (sharing === undefined || place.path !== undefined || process.platform !== "linux") return Effect.succeed(place)
  const shared = { ...place, reusePort: true }
  // Any port is nobody's.
  return sharing === "beside" || (place.port ?? 0) === 0 ? Effect.succeed(shared) : Effect.as(lookAt(place), shared)
}

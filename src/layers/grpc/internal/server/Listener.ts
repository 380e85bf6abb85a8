/**
 * Sockets that listen, and the HTTP/2 connections that come in on them.
 *
 * A name that stands for several addresses (`localhost`) is listened to on all of them, on one port; no host means every
 * interface, IPv4 and IPv6 alike, as the Go services take `:50051`.
 */
import { Effect, Schema } from "effect"
import * as dns from "node:dns/promises"
import * as fs from "node:fs"
import type * as http2 from "node:http2"
import * as net from "node:net"
import * as HostPort from "../../../../domain/sockets/HostPort.ts"
import * as ConnectionGuard from "../../../sockets/ConnectionGuard.ts"
import * as PortSharing from "../../../sockets/PortSharing.ts"

export class BindError extends Schema.TaggedError<BindError>()("BindError", {
  address: Schema.String,
  /** What the operating system said, for example `EADDRINUSE: address already in use`. */
  reason: Schema.String
}) {
  override get message(): string {
    return `Cannot listen on ${this.address}: ${this.reason}`
  }
}

export type Endpoint = HostPort.HostPort | { readonly path: string }

export const describe = (endpoint: Endpoint): string =>
  "path" in endpoint ? `unix:${endpoint.path}` : HostPort.format(endpoint)

/** Of one address that a host stands for, or of the host's name. */
class AddressError extends Schema.TaggedError<AddressError>()("AddressError", {
  /** `EADDRNOTAVAIL` and the like; empty when there is none. */
  code: Schema.String,
  reason: Schema.String
}) {}

const noAddress = new AddressError({ code: "", reason: "it has no address" })

/** The part of Node's text that says why: `listen EADDRINUSE: address already in use 127.0.0.1:1` and more around. */
const reasonOf = (message: string): string => /\b(E[A-Z]+: [a-z ,]+[a-z])/.exec(message)?.[1] ?? message

const addressErrorOf = (cause: unknown): AddressError => {
  if (!(cause instanceof Error)) return new AddressError({ code: "", reason: String(cause) })
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : ""
  return new AddressError({ code, reason: reasonOf(cause.message) })
}

const listen = (options: net.ListenOptions, onSocket: (socket: net.Socket) => void) =>
  Effect.callback<net.Server, AddressError>((resume) => {
    const server = net.createServer(onSocket)
    server.once("error", (error) => resume(Effect.fail(addressErrorOf(error))))
    server.listen(options, () => resume(Effect.succeed(server)))
    return Effect.sync(() => server.close())
  })

/** Of the file descriptors that are not reserved. */
const connectionsShare = 0.7

/** Interrupted or not, a server that listens is closed in the end. */
const acquire = (
  place: { readonly host?: string; readonly port?: number; readonly path?: string },
  name: string,
  limits: Limits,
  onSocket: (socket: net.Socket) => void
) =>
  PortSharing.listenOptions(place, limits.sharing).pipe(
    Effect.mapError(({ code, detail }) => new AddressError({ code, reason: reasonOf(detail) })),
    Effect.flatMap((options) =>
      Effect.acquireRelease(listen(options, onSocket), (server) => Effect.sync(() => server.close()), {
        interruptible: true
      })
    ),
    Effect.tap((server) =>
      ConnectionGuard.guard(server, { ...limits, name: `gRPC on ${name}`, share: connectionsShare })
    )
  )

type Limits = Pick<ConnectionGuard.ConnectionGuardOptions, "connectionsMax" | "connectionsPerPeerMax"> & {
  readonly sharing?: PortSharing.PortSharing | undefined
}

const portOf = (server: net.Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

/** Addresses that a host stands for; none for every interface. */
const addressesOf = (host: string): Effect.Effect<ReadonlyArray<string | undefined>, AddressError> => {
  if (host === "") return Effect.succeed([undefined])
  if (net.isIP(host) !== 0) return Effect.succeed([host])
  return Effect.map(
    Effect.tryPromise({ try: () => dns.lookup(host, { all: true }), catch: addressErrorOf }),
    (found) => [...new Set(found.map(({ address }) => address))]
  )
}

const isUnavailable = ({ code }: AddressError): boolean => code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT"

/** A socket file that nobody listens on any more is in the way of who comes next. Any other file is somebody's data. */
const removeStale = (path: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const socket = net.connect({ path })
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.void)
    })
    socket.once("error", (error) => {
      const isRefused = "code" in error && error.code === "ECONNREFUSED"
      if (isRefused && fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket()) fs.rmSync(path, { force: true })
      resume(Effect.void)
    })
    return Effect.sync(() => socket.destroy())
  })

/** What Node throws for, before it asks the operating system. */
const problemOf = (endpoint: Endpoint): AddressError | undefined => {
  if ("path" in endpoint) {
    return endpoint.path === "" ? new AddressError({ code: "", reason: "the path is empty" }) : undefined
  }
  const { port } = endpoint
  const isPort = Number.isInteger(port) && port >= 0 && port <= 65535
  return isPort ? undefined : new AddressError({ code: "", reason: "a port is a whole number from 0 to 65535" })
}

/** Listens until the scope closes; answers the port, 0 for a unix socket. */
export const bind = (endpoint: Endpoint, limits: Limits, onSocket: (socket: net.Socket) => void) =>
  Effect.gen(function*() {
    const problem = problemOf(endpoint)
    if (problem !== undefined) return yield* problem
    if ("path" in endpoint) {
      yield* removeStale(endpoint.path)
      yield* acquire({ path: endpoint.path }, describe(endpoint), limits, onSocket)
      return 0
    }
    let port = endpoint.port
    let lastError = noAddress
    let bound = 0
    for (const host of yield* addressesOf(endpoint.host)) {
      // Of several addresses those that this machine does not have are left out.
      const server = yield* acquire(
        { port, ...(host === undefined ? {} : { host }) },
        HostPort.format({ host: host ?? "*", port }),
        limits,
        onSocket
      ).pipe(
        Effect.catchIf(isUnavailable, (error) => {
          lastError = error
          return Effect.void
        })
      )
      if (server === undefined) continue
      port = portOf(server)
      bound += 1
    }
    if (bound === 0) return yield* lastError
    return port
  }).pipe(Effect.mapError(({ reason }) => new BindError({ address: describe(endpoint), reason })))

/** Hands a raw connection to an HTTP/2 server that does not listen itself. */
export const accept = (server: http2.Http2Server | http2.Http2SecureServer, socket: net.Socket): void => {
  // Turned away before anybody saw it.
  if (socket.destroyed) return
  socket.on("error", () => {})
  server.emit("connection", socket)
}

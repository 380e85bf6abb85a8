/**
 * Which connections a listening socket keeps, so that those who send nothing keep nobody out.
 *
 * A connection on which nothing arrives for `silentAfter` is closed. There are never more than `connectionsMax`: for each
 * one more, the one that has been silent the longest goes; when all of them have spoken, the new one is turned away. One
 * address has a part of them at most, by the same rule: nobody fills a listener alone, or its memory, of which a
 * connection over TLS takes some 85 KB. The limit leaves file descriptors for everything else, so that health is answered
 * when a listener is full. What happens is logged, at most twice a minute.
 */
import { Duration, Effect, Schedule, type Scope } from "effect"
import type * as net from "node:net"
import * as ScopedLoop from "../../services/backoff/ScopedLoop.ts"
import { connectionsMaxOf } from "./FileLimit.ts"

export interface ConnectionGuardOptions {
  /** As operators know the listener, for example `gRPC on 0.0.0.0:50051`. */
  readonly name: string
  /** Default 20 s. */
  readonly silentAfter?: Duration.Input
  /** Default: `share` of the file descriptors that this process may have, less a reserve. */
  readonly connectionsMax?: number
  /** Of one address. Default: half of all, at least 8 and at most `perPeerCeiling`. */
  readonly connectionsPerPeerMax?: number
  /** Default 1,024. */
  readonly perPeerCeiling?: number
  /** Of the file descriptors that are not reserved, between 0 and 1. */
  readonly share: number
}

export const silentAfterDefault = Duration.seconds(20)

const logEveryMillis = 30_000

/** Connections that one address may have even where there are few. */
const perPeerMin = 8
/** A proxy, or a translated network, may have many clients behind one address. */
const perPeerCeilingDefault = 1_024

interface Counts {
  /** Closed because nothing came. */
  silent: number
  /** Closed, silent, to make room. */
  evicted: number
  /** Closed because there was no room. */
  refused: number
}

const isSilent = (socket: net.Socket): boolean => socket.bytesRead === 0

interface Limits {
  readonly max: number
  readonly perPeerMax: number
  readonly silentMillis: number
}

class Guard {
  /** When each came, in this order. */
  readonly #open = new Map<net.Socket, number>()
  readonly #byPeer = new Map<string, number>()
  readonly #max: number
  readonly #perPeerMax: number
  readonly #silentMillis: number
  readonly #log: (text: string) => void
  readonly #name: string
  #counts: Counts = { silent: 0, evicted: 0, refused: 0 }
  #loggedMillis = Number.NEGATIVE_INFINITY

  constructor(name: string, limits: Limits, log: (text: string) => void) {
    this.#name = name
    this.#max = limits.max
    this.#perPeerMax = limits.perPeerMax
    this.#silentMillis = limits.silentMillis
    this.#log = log
  }

  accept(socket: net.Socket): void {
    const peer = socket.remoteAddress ?? ""
    const ofPeer = this.#byPeer.get(peer) ?? 0
    const isFull = this.#open.size >= this.#max
    const isPeerFull = peer !== "" && ofPeer >= this.#perPeerMax
    if ((isPeerFull && !this.#makeRoom(peer)) || (isFull && !isPeerFull && !this.#makeRoom())) {
      this.#note("refused")
      socket.destroy()
      return
    }
    this.#open.set(socket, performance.now())
    this.#byPeer.set(peer, (this.#byPeer.get(peer) ?? 0) + 1)
    socket.once("close", () => this.#forget(socket, peer))
  }

  /** The address of a closed socket is not known any more. */
  #forget(socket: net.Socket, peer: string): void {
    this.#open.delete(socket)
    const left = (this.#byPeer.get(peer) ?? 1) - 1
    if (left === 0) this.#byPeer.delete(peer)
    else this.#byPeer.set(peer, left)
  }

  /** Closes those that have been silent for too long. */
  sweep(): void {
    const before = performance.now() - this.#silentMillis
    for (const [socket, cameMillis] of this.#open) {
      if (cameMillis > before) return
      if (!isSilent(socket)) continue
      this.#open.delete(socket)
      this.#note("silent")
      socket.destroy()
    }
  }

  failed(error: Error): void {
    this.#say(`${this.#name} cannot take a connection: ${error.message}`)
  }

  /** Of this peer, or of all. */
  #makeRoom(peer?: string): boolean {
    for (const socket of this.#open.keys()) {
      if (!isSilent(socket) || (peer !== undefined && socket.remoteAddress !== peer)) continue
      this.#open.delete(socket)
      this.#note("evicted")
      socket.destroy()
      return true
    }
    return false
  }

  #note(what: keyof Counts): void {
    this.#counts[what] += 1
    const { evicted, refused, silent } = this.#counts
    const said = this.#say(
      `${this.#name}: ${this.#open.size} of ${this.#max} connections; closed ${silent} that sent nothing for ` +
        `${this.#silentMillis} ms, ${evicted} silent ones to make room, and turned away ${refused}`
    )
    if (said) this.#counts = { silent: 0, evicted: 0, refused: 0 }
  }

  #say(text: string): boolean {
    const now = performance.now()
    if (now - this.#loggedMillis < logEveryMillis) return false
    this.#loggedMillis = now
    this.#log(text)
    return true
  }
}

/** Guards the server until the scope closes. */
export const guard = (
  server: net.Server,
  options: ConnectionGuardOptions
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    // A line of the log waits for nothing and holds nothing.
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const silentAfter = Duration.fromInputUnsafe(options.silentAfter ?? silentAfterDefault)
    const max = options.connectionsMax ?? connectionsMaxOf(options.share)
    const one = new Guard(
      options.name,
      {
        max,
        perPeerMax: options.connectionsPerPeerMax ??
          Math.min(options.perPeerCeiling ?? perPeerCeilingDefault, Math.max(perPeerMin, Math.floor(max / 2))),
        silentMillis: Duration.toMillis(silentAfter)
      },
      (text) => void run(Effect.logWarning(text))
    )
    const onConnection = (socket: net.Socket) => one.accept(socket)
    const onError = (error: Error) => one.failed(error)
    yield* Effect.acquireRelease(
      // First in line, so that nobody works on a connection that is turned away.
      Effect.sync(() => server.prependListener("connection", onConnection).on("error", onError)),
      () => Effect.sync(() => server.off("connection", onConnection))
    )
    yield* ScopedLoop.start(
      `Looking for silent connections of ${options.name}`,
      Effect.repeat(Effect.sync(() => one.sweep()), Schedule.spaced(Duration.divideUnsafe(silentAfter, 4)))
    )
  })

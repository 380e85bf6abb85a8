/**
 * The network between the hosts of a world.
 *
 * Between any two hosts there is a link for each direction, with a latency, jitter, losses and a bandwidth, and it may be
 * cut. Over links go datagrams, which are lost, doubled and overtake one another, and connections as TCP has them: in
 * order and once, so that a loss is a delay, a cut is silence, and only an end that is told of is known to the other one.
 */
import type { Seeded } from "../../domain/simulation/Seeded.ts"
import { Connection, type Socket } from "./Connection.ts"
import { Link, type LinkQuality } from "./Link.ts"
import type { Process } from "./Process.ts"
import type { Surroundings } from "./WorldParts.ts"

/** What is accepted is the server's end. */
export type Accept = (socket: Socket) => void

interface Listener {
  readonly process: Process
  readonly accept: Accept
  /** Takes connections and never answers: as a process that hangs. */
  isDeaf: boolean
}

export interface Dialled {
  readonly opened: (socket: Socket) => void
  readonly failed: (reason: string) => void
}

const handshakeBytes = 64
/** A server forgets a connection that its client has not confirmed by then. */
const handshakeMillis = 63_000

/** Of `host:port`. */
export const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(":"))

export class Network {
  readonly #world: Surroundings
  readonly #random: Seeded
  readonly #links = new Map<string, Link>()
  readonly #listeners = new Map<string, Listener>()
  readonly #connections = new Set<Connection>()
  /** Those that their clients know of. */
  readonly #open = new Set<Connection>()
  readonly #aliases = new Map<string, string>()
  readonly #quality: LinkQuality

  constructor(world: Surroundings, quality: LinkQuality) {
    this.#world = world
    this.#random = world.random.split("network")
    this.#quality = quality
  }

  link(from: string, to: string): Link {
    const key = `${from}>${to}`
    const found = this.#links.get(key)
    if (found !== undefined) return found
    const made = new Link(this.#world, this.#random.split(key), { from, to, quality: this.#quality })
    this.#links.set(key, made)
    return made
  }

  /** Both ways. */
  between(one: string, other: string): readonly [Link, Link] {
    return [this.link(one, other), this.link(other, one)]
  }

  /** A message that may be lost, come twice or be overtaken. */
  send(from: string, to: string, bytes: number, deliver: () => void): void {
    this.link(from, to).datagram(bytes, deliver)
  }

  /** Until the process ends or it is taken back; undefined where the port is taken. */
  listen(process: Process, port: string, accept: Accept): (() => void) | undefined {
    const address = `${process.name}:${port}`
    if (this.#listeners.has(address)) return undefined
    const listener: Listener = { process, accept, isDeaf: false }
    this.#listeners.set(address, listener)
    const close = () => {
      if (this.#listeners.get(address) === listener) this.#listeners.delete(address)
    }
    const forget = process.onEnd(close)
    return () => {
      forget()
      close()
    }
  }

  /** Another name by which a host is dialled. */
  alias(name: string, host: string): void {
    this.#aliases.set(name, host)
  }

  /** Answers how to give it up. */
  dial(process: Process, target: string, timeoutMillis: number, dialled: Dialled): () => void {
    const named = hostOf(target)
    const host = this.#aliases.get(named) ?? named
    const address = `${host}${target.slice(named.length)}`
    this.onDial(process.name, host)
    const [there, back] = this.between(process.name, host)
    let isOver = false
    const over = (act: () => void) => {
      if (isOver) return
      isOver = true
      timer.cancel()
      process.enqueue(act)
    }
    const timer = process.later(timeoutMillis, () => over(() => dialled.failed(`${address} does not answer`)))
    const answer = (act: () => void) => back.lane(() => {})({ bytes: handshakeBytes, arrive: () => over(act) })
    const arrive = () => {
      if (isOver) return
      const listener = this.#listeners.get(address)
      // A host without power does not refuse.
      if (listener === undefined && !this.hostIsUp(host)) return
      if (listener === undefined) return answer(() => dialled.failed(`${address} refuses connections`))
      const connection = this.#connect(process, listener.process, [there, back])
      if (!listener.isDeaf) listener.process.enqueue(() => listener.accept(connection.server))
      const given = this.#world.after(handshakeMillis, () => connection.reset("the handshake was not finished"))
      back.lane(() => {})({
        bytes: handshakeBytes,
        arrive: () => {
          given.cancel()
          // Whoever has given it up does not know the connection that is answered.
          if (isOver) return connection.client.close()
          if (this.#connections.has(connection)) this.#open.add(connection)
          over(() => dialled.opened(connection.client))
        }
      })
    }
    there.lane(() => {})({ bytes: handshakeBytes, arrive })
    return () => {
      isOver = true
      timer.cancel()
    }
  }

  /** Whoever asks whether a host has power. */
  hostIsUp: (name: string) => boolean = () => true

  /** Whoever wants to know who dials whom. */
  onDial: (from: string, to: string) => void = () => {}

  /** The next connections are taken and never answered, or are again. */
  setDeaf(address: string, isDeaf: boolean): void {
    const listener = this.#listeners.get(address)
    if (listener !== undefined) listener.isDeaf = isDeaf
  }

  /** Breaks what is open between two hosts; both are told. */
  reset(one: string, other: string): void {
    for (const connection of this.#between(one, other)) connection.reset("the connection was reset")
  }

  /** The other end forgets what is open, and the one is not told: it finds out when it says something. */
  halfOpen(one: string, other: string): void {
    for (const connection of this.#between(one, other)) connection.forget(other)
  }

  get openConnections(): number {
    return this.#open.size
  }

  #between(one: string, other: string): ReadonlyArray<Connection> {
    return [...this.#connections].filter((connection) => connection.joins(one, other))
  }

  #connect(client: Process, server: Process, links: readonly [Link, Link]): Connection {
    const connection = new Connection(client, server, links, () => {
      this.#connections.delete(connection)
      this.#open.delete(connection)
    })
    this.#connections.add(connection)
    return connection
  }
}

/**
 * Requests and their answers between two hosts, for the models of servers whose own protocol no program of the world speaks:
 * a database, a message broker.
 *
 * A request that got no answer may have been carried out all the same, as with any server: the connection may break on the
 * way there or back.
 */
import { Data, Effect, Exit, Latch, type Scope } from "effect"
import { ChurningMap } from "../../domain/churn/ChurningMap.ts"
import * as FiberRing from "../churn/FiberRing.ts"
import type { Socket } from "./Connection.ts"
import type { Network } from "./Network.ts"
import * as Process from "./Process.ts"

/** Nobody answered, or the connection broke meanwhile. */
export class ExchangeFailed extends Data.TaggedError("ExchangeFailed")<{
  readonly detail: string
  /** Whether the request may have been carried out. */
  readonly wasSent: boolean
}> {}

export interface ExchangeOptions<in Req> {
  /** What the log, and so a violation's diagram, has of a request: none of what it answers undefined for. Nothing unless told. */
  readonly describe?: (request: Req) => string | undefined
}

export class PortTaken extends Data.TaggedError("PortTaken")<{ readonly port: string }> {}

export interface Client<Req, Res> {
  readonly ask: (request: Req, bytes?: number) => Effect.Effect<Res, ExchangeFailed>
  /** Says it without waiting for an answer; lost while there is no connection. */
  readonly tell: (request: Req) => void
}

/** Goes over the network with a request or an answer, for those who have the exchange that made it. */
class Letter {
  readonly owner: object
  readonly number: number
  readonly body: unknown
  constructor(owner: object, number: number, body: unknown) {
    this.owner = owner
    this.number = number
    this.body = body
  }
}

/** The number of what nobody waits for. */
const unanswered = 0

const dialTimeoutMillis = 5_000

const running = Effect.flatMap(Process.Current, (process) =>
  // A fiber outside of a world has no network: that is a mistake of whoever runs it.
  process === undefined ? Effect.die(new Error("no process of a simulated world runs this")) : Effect.succeed(process))

export class Exchange<in out Req, in out Res> {
  readonly #network: Network
  readonly #port: string
  readonly #describe: (request: Req) => string | undefined

  constructor(network: Network, port: string, { describe = () => undefined }: ExchangeOptions<Req> = {}) {
    this.#network = network
    this.#port = port
    this.#describe = describe
  }

  /**
   * Until the scope closes. A handler that fails breaks the connection instead of answering. `told` takes what nobody waits
   * for an answer to, at once; without it that is handled as the rest.
   */
  serve<R>(
    handle: (request: Req, from: string) => Effect.Effect<Res, unknown, R>,
    told?: (request: Req) => void
  ): Effect.Effect<void, PortTaken, R | Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const process = yield* running
      const { run } = yield* FiberRing.make<R>()
      const sockets = new Set<Socket>()
      const accept = (socket: Socket): void => {
        sockets.add(socket)
        socket.onClose(() => void sockets.delete(socket))
        socket.onMessage((message) => {
          if (!(message instanceof Letter) || message.owner !== this) return
          // boundary: the server's end of this exchange gets what its client's end has sent
          const request = message.body as Req
          if (message.number === unanswered && told !== undefined) return told(request)
          run(Effect.map(Effect.exit(handle(request, socket.peer)), (exit) => {
            if (Exit.isFailure(exit)) return socket.close()
            if (message.number === unanswered) return
            socket.send(new Letter(this, message.number, exit.value), 64)
          }))
        })
      }
      const close = this.#network.listen(process, this.#port, accept)
      if (close === undefined) return yield* new PortTaken({ port: this.#port })
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          close()
          for (const socket of sockets) socket.close()
        })
      )
    })
  }

  /** Dials when asked, and again when the connection has broken. */
  client(host: string): Effect.Effect<Client<Req, Res>, never, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const process = yield* running
      const waiting = new ChurningMap<number, (exit: Exit.Exit<Res, ExchangeFailed>) => void>()
      const known = Latch.makeUnsafe()
      let socket: Socket | undefined
      let isDialling = false
      let failure = ""
      let number = 0

      const opened = (open: Socket): void => {
        isDialling = false
        socket = open
        open.onMessage((message) => {
          if (!(message instanceof Letter) || message.owner !== this) return
          // boundary: the client's end of this exchange gets what its server's end has sent
          settle(message.number, Exit.succeed(message.body as Res))
        })
        open.onClose((detail) => {
          if (socket === open) socket = undefined
          for (const one of Array.from(waiting.keys())) {
            settle(one, Exit.fail(new ExchangeFailed({ detail, wasSent: true })))
          }
        })
        known.openUnsafe()
      }
      const settle = (one: number, exit: Exit.Exit<Res, ExchangeFailed>): void => {
        const resume = waiting.get(one)
        waiting.delete(one)
        resume?.(exit)
      }
      const dial = (): void => {
        if (isDialling) return
        isDialling = true
        known.closeUnsafe()
        this.#network.dial(process, `${host}:${this.#port}`, dialTimeoutMillis, {
          opened,
          failed: (reason) => {
            isDialling = false
            failure = reason
            known.openUnsafe()
          }
        })
      }
      yield* Effect.addFinalizer(() => Effect.sync(() => socket?.close()))

      const noted = (request: Req) => {
        const text = this.#describe(request)
        return (end?: string): void => {
          if (text !== undefined) process.world.note(process.name, end === undefined ? text : `${text} ${end}`, host)
        }
      }
      const connected: Effect.Effect<Socket, ExchangeFailed> = Effect.suspend(() => {
        if (socket !== undefined) return Effect.succeed(socket)
        dial()
        return Effect.flatMap(known.await, () =>
          socket === undefined
            ? Effect.fail(new ExchangeFailed({ detail: failure, wasSent: false }))
            : Effect.succeed(socket))
      })
      return {
        tell: (request) => {
          if (socket === undefined) return
          noted(request)()
          socket.send(new Letter(this, unanswered, request), 64)
        },
        ask: (request, bytes = 256) =>
          Effect.flatMap(connected, (open) =>
            Effect.callback<Res, ExchangeFailed>((resume) => {
              number += 1
              const letter = new Letter(this, number, request)
              const note = noted(request)
              waiting.set(letter.number, (exit) => {
                note(Exit.isSuccess(exit) ? "answered" : "got no answer")
                resume(exit)
              })
              note()
              open.send(letter, bytes)
              return Effect.sync(() => {
                note("given up")
                waiting.delete(letter.number)
              })
            }))
      }
    })
  }
}

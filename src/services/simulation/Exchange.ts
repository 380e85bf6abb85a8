/**
 * Requests and their answers between two hosts, for the models of servers whose own protocol no program of the world speaks:
 * a database, a message broker.
 *
 * A request that got no answer may have been carried out all the same, as with any server: the connection may break on the
 * way there or back.
 */
import { Data, Effect, Exit, FiberSet, Latch, type Scope } from "effect"
import type { Socket } from "./Connection.ts"
import type { Network } from "./Network.ts"
import * as Process from "./Process.ts"

/** Nobody answered, or the connection broke meanwhile. */
export class ExchangeFailed extends Data.TaggedError("ExchangeFailed")<{
  readonly detail: string
  /** Whether the request may have been carried out. */
  readonly wasSent: boolean
}> {}

export class PortTaken extends Data.TaggedError("PortTaken")<{ readonly port: string }> {}

export interface Client<Req, Res> {
  readonly ask: (request: Req, bytes?: number) => Effect.Effect<Res, ExchangeFailed>
  /** Says it without waiting for an answer; lost while there is no connection. */
  readonly tell: (request: Req) => void
}

/** Goes over the network in place of a request or an answer, which nobody else can read. */
class Letter {
  readonly number: number
  constructor(number: number) {
    this.number = number
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
  readonly #requests = new WeakMap<Letter, Req>()
  readonly #answers = new WeakMap<Letter, Res>()

  constructor(network: Network, port: string) {
    this.#network = network
    this.#port = port
  }

  /** Until the scope closes. A handler that fails breaks the connection instead of answering. */
  serve<R>(
    handle: (request: Req, from: string) => Effect.Effect<Res, unknown, R>
  ): Effect.Effect<void, PortTaken, R | Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const process = yield* running
      const handlers = yield* FiberSet.make()
      const run = yield* FiberSet.runtime(handlers)<R>()
      const sockets = new Set<Socket>()
      const accept = (socket: Socket): void => {
        sockets.add(socket)
        socket.onClose(() => void sockets.delete(socket))
        socket.onMessage((message) => {
          if (!(message instanceof Letter)) return
          const request = this.#requests.get(message)
          if (request === undefined) return
          run(Effect.map(Effect.exit(handle(request, socket.peer)), (exit) => {
            if (Exit.isFailure(exit)) return socket.close()
            if (message.number === unanswered) return
            const letter = new Letter(message.number)
            this.#answers.set(letter, exit.value)
            socket.send(letter, 64)
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
      const waiting = new Map<number, (exit: Exit.Exit<Res, ExchangeFailed>) => void>()
      const known = Latch.makeUnsafe()
      let socket: Socket | undefined
      let isDialling = false
      let failure = ""
      let number = 0

      const opened = (open: Socket): void => {
        isDialling = false
        socket = open
        open.onMessage((message) => {
          if (!(message instanceof Letter)) return
          const answer = this.#answers.get(message)
          if (answer !== undefined) settle(message.number, Exit.succeed(answer))
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
          const letter = new Letter(unanswered)
          this.#requests.set(letter, request)
          socket?.send(letter, 64)
        },
        ask: (request, bytes = 256) =>
          Effect.flatMap(connected, (open) =>
            Effect.callback<Res, ExchangeFailed>((resume) => {
              number += 1
              const letter = new Letter(number)
              this.#requests.set(letter, request)
              waiting.set(letter.number, resume)
              open.send(letter, bytes)
              return Effect.sync(() => void waiting.delete(letter.number))
            }))
      }
    })
  }
}

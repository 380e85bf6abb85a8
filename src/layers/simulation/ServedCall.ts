/** One call at a simulated server, as what a handler becomes reads and writes it. */
import { Cause, Effect, Exit, Option } from "effect"
import type { IncomingCall } from "../grpc/carrier/GrpcCarrier.ts"
import type { GrpcError } from "../grpc/GrpcError.ts"
import type { GrpcMetadata } from "../grpc/GrpcMetadata.ts"
import type { Frame } from "./Frame.ts"
import { Inbox } from "./Inbox.ts"
import { Window } from "./Window.ts"

export class ServedCall implements IncomingCall {
  readonly head: { readonly path: string }
  readonly resetGrace = Effect.void
  readonly #inbox = new Inbox<Buffer, Cause.Done>()
  readonly #window = new Window()
  readonly #send: (body: Frame["body"]) => void
  #ahead: ReadonlyArray<Buffer> = []
  #hasHeaders = false

  constructor(path: string, send: (body: Frame["body"]) => void) {
    this.head = { path }
    this.#send = send
  }

  /** Slow senders are for the tests of the real server. */
  expectSoon(): void {}

  readonly read: Effect.Effect<ReadonlyArray<Buffer>, GrpcError> = Effect.suspend(() => {
    const ahead = this.#ahead
    this.#ahead = []
    if (ahead.length > 0) return Effect.succeed(ahead)
    return this.#inbox.take.pipe(
      Effect.tap((messages) =>
        Effect.sync(() => {
          this.#send({ _tag: "Window", bytes: messages.reduce((sum, { length }) => sum + length, 0) })
        })
      ),
      Effect.catch(() => Effect.succeed([]))
    )
  })

  readonly peek: Effect.Effect<Option.Option<Buffer>, GrpcError> = Effect.suspend(() =>
    Effect.map(this.read, (messages) => {
      this.#ahead = messages
      return Option.fromUndefinedOr(messages[0])
    })
  )

  frame(message: Uint8Array): Effect.Effect<Buffer> {
    return Effect.succeed(Buffer.from(message.buffer, message.byteOffset, message.byteLength))
  }

  write(frame: Buffer): Effect.Effect<void> {
    return Effect.map(this.#window.room, () => this.#message(frame))
  }

  sendHeaders(metadata: GrpcMetadata): void {
    if (this.#hasHeaders) return
    this.#hasHeaders = true
    this.#send({ _tag: "Headers", metadata })
  }

  end(end: Omit<Extract<Frame["body"], { readonly _tag: "End" }>, "_tag">, last: Buffer | undefined): void {
    if (last !== undefined) this.#message(last)
    this.#send({ _tag: "End", ...end })
  }

  take(body: Frame["body"]): void {
    if (body._tag === "Message") this.#inbox.push(body.bytes)
    if (body._tag === "HalfClose") this.#inbox.close(Exit.fail(Cause.Done()))
    if (body._tag === "Window") this.#window.refill(body.bytes)
  }

  #message(bytes: Buffer): void {
    this.sendHeaders({})
    this.#window.spend(bytes.length)
    this.#send({ _tag: "Message", bytes })
  }
}

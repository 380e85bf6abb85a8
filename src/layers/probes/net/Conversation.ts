/**
 * What a peer says on a connection, as far as somebody wants to hear it.
 *
 * Nothing is read that nobody waits for, so a peer that floods fills no memory; nothing is decoded, so whatever comes is
 * as it came. `release` gives the socket back as it was, for a TLS handshake that takes it over.
 */
import { Effect, Schema, type Scope } from "effect"
import type * as net from "node:net"
import * as Reason from "../Reason.ts"

export class ConversationError extends Schema.TaggedError<ConversationError>()("ConversationError", {
  reason: Schema.String,
  /** Whether the peer closed the connection in order. */
  isEnd: Schema.Boolean
}) {
  override get message(): string {
    return this.reason
  }
}

export interface Conversation {
  readonly send: (bytes: Uint8Array | string) => Effect.Effect<void>
  /** All that has come, once that is more than `known` bytes. Fails when the peer closes before, or breaks off. */
  readonly more: (known: number) => Effect.Effect<Buffer, ConversationError>
  /** The first bytes have been used up. */
  readonly take: (bytes: number) => void
  /** What has come and was not taken. */
  readonly rest: () => Buffer
  /** Nobody listens any more. */
  readonly release: () => void
}

export const make = (socket: net.Socket): Effect.Effect<Conversation, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      let received = Buffer.alloc(0)
      let ended: ConversationError | undefined
      let wake = () => {}
      const read = () => {
        const part: unknown = socket.read()
        if (Buffer.isBuffer(part)) received = Buffer.concat([received, part])
        wake()
      }
      const end = (reason: string, isEnd: boolean) => {
        ended ??= new ConversationError({ reason, isEnd })
        wake()
      }
      const onEnd = () => end("the peer closed the connection", true)
      const onClose = () => end("the connection was closed", true)
      const onError = (error: Error) => end(Reason.describe(error), false)
      socket.on("readable", read).on("end", onEnd).on("close", onClose).on("error", onError)

      const more = (known: number): Effect.Effect<Buffer, ConversationError> =>
        Effect.callback((resume) => {
          const look = () => {
            if (received.length > known) resume(Effect.succeed(received))
            else if (ended !== undefined) resume(Effect.fail(ended))
          }
          wake = look
          read()
          return Effect.sync(() => {
            wake = () => {}
          })
        })
      return {
        send: (bytes: Uint8Array | string) => Effect.sync(() => void socket.write(bytes)),
        more,
        take: (bytes: number) => {
          received = received.subarray(bytes)
        },
        rest: () => {
          read()
          return received
        },
        release: () => {
          wake = () => {}
          socket.off("readable", read).off("end", onEnd).off("close", onClose)
        }
      }
    }),
    ({ release }) => Effect.sync(release)
  )

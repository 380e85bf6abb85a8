/**
 * Asks with a datagram, a few times if need be, and gives the first answer that is one.
 *
 * The socket is connected: the kernel drops what others send, and a refusal of the host becomes an error.
 */
import { type Duration, Effect, Schedule, type Scope } from "effect"
import * as dgram from "node:dgram"
import type { LookupAddress } from "node:dns"
import { StepFailed } from "../CheckSteps.ts"
import * as Reason from "../Reason.ts"

export interface Question {
  readonly to: LookupAddress
  readonly port: number
  readonly bytes: Uint8Array
  /** How often it is sent at most. */
  readonly attempts: number
  /** Between one attempt and the next. */
  readonly pause: Duration.Duration
  /** Whether a datagram is the answer; others are passed over. */
  readonly accepts: (answer: Buffer) => boolean
}

export interface Answer {
  readonly answer: Buffer
  /** How often the question was sent until then. */
  readonly sent: number
}

const connected = ({ port, to }: Question): Effect.Effect<dgram.Socket, unknown, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = dgram.createSocket(to.family === 6 ? "udp6" : "udp4")
      // Stays: an error after the answer must not be unhandled.
      return socket.on("error", () => {})
    }),
    (socket) => Effect.sync(() => void socket.close())
  ).pipe(Effect.tap((socket) =>
    Effect.callback<void, unknown>((resume) => {
      socket.once("error", (error) => resume(Effect.fail(error)))
      socket.connect(port, to.address, () => resume(Effect.void))
    })
  ))

/** Never succeeds: an error that a datagram met, the refusal of the host among them. */
const troubles = (socket: dgram.Socket): Effect.Effect<never, unknown> =>
  Effect.callback((resume) => {
    const fail = (error: unknown) => resume(Effect.fail(error))
    socket.on("error", fail)
    return Effect.sync(() => socket.off("error", fail))
  })

const answers = (socket: dgram.Socket, { accepts }: Question): Effect.Effect<Buffer> =>
  Effect.callback((resume) => {
    const take = (answer: Buffer) => {
      if (accepts(answer)) resume(Effect.succeed(answer))
    }
    socket.on("message", take)
    return Effect.sync(() => socket.off("message", take))
  })

/** Waits without a limit of its own. */
export const ask = (question: Question): Effect.Effect<Answer, StepFailed> =>
  Effect.gen(function*() {
    const socket = yield* connected(question)
    let sent = 0
    const send = Effect.callback<void, unknown>((resume) => {
      sent += 1
      socket.send(question.bytes, (error) => resume(error === null ? Effect.void : Effect.fail(error)))
    })
    const again = Effect.repeat(send, { schedule: Schedule.spaced(question.pause), times: question.attempts - 1 })
    const answer = yield* Effect.raceAllFirst([
      answers(socket, question),
      troubles(socket),
      Effect.andThen(again, Effect.never)
    ])
    return { answer, sent }
  }).pipe(Effect.scoped, Effect.mapError((error) => new StepFailed({ reason: Reason.describe(error) })))

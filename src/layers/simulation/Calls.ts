/**
 * Calls of a simulated channel: each kind is a stream of requests and one of answers, with gRPC's deadlines, cancellation and
 * back-pressure.
 */
import { type Array as Arr, Cause, Duration, Effect, Exit, type Pull, type Scope, Stream } from "effect"
import type { CarriedCalls } from "../grpc/carrier/GrpcCarrier.ts"
import type { CallOptions } from "../grpc/GrpcCallOptions.ts"
import { DeadlineExceeded, fromStatus, type GrpcError, Internal, Unavailable } from "../grpc/GrpcError.ts"
import type { GrpcMetadata, Input } from "../grpc/GrpcMetadata.ts"
import type { Dialling } from "./Dialling.ts"
import type { Frame } from "./Frame.ts"
import { Inbox } from "./Inbox.ts"
import type { Line } from "./Line.ts"
import { Window } from "./Window.ts"

interface Codec<Req, Res> {
  readonly path: string
  readonly requestSerialize: (message: Req) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Res
}

/** As it arrives: a list for each name, in lower case. */
export const metadataOf = (input: Input): GrpcMetadata =>
  Object.fromEntries(
    Object.entries(input).map(([name, value]) => [
      name.toLowerCase(),
      typeof value === "string" || value instanceof Uint8Array ? [value] : [...value]
    ])
  )

interface Open {
  readonly inbox: Inbox<Buffer, GrpcError | Cause.Done>
  readonly window: Window
  readonly send: (body: Frame["body"]) => void
}

/** Of a path, what a person calls the method. */
const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

export const make = (
  target: string,
  deadlineDefault: Duration.Duration,
  dialling: Dialling,
  note: (text: string) => void
): CarriedCalls => {
  const about = (path: string) => ({ method: path, peer: target })

  const connected = (path: string, isPatient: boolean): Effect.Effect<Line, GrpcError> =>
    Effect.callback((resume) => {
      const cancel = dialling.wait({
        isPatient,
        connected: (line) => resume(Effect.succeed(line)),
        failed: (reason) => resume(Effect.fail(new Unavailable({ ...about(path), detail: reason })))
      })
      return Effect.sync(cancel)
    })

  /** Until the scope closes, which cancels a call that has not ended. */
  const open = (
    path: string,
    timeout: Duration.Duration,
    options: CallOptions
  ): Effect.Effect<Open, GrpcError, Scope.Scope> =>
    Effect.flatMap(connected(path, options.waitForReady ?? false), (line) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const inbox = new Inbox<Buffer, GrpcError | Cause.Done>()
          const window = new Window()
          const end = (exit: Exit.Exit<never, GrpcError | Cause.Done>) => {
            inbox.close(exit)
            window.end()
          }
          const call = line.begin({
            frame: (body) => {
              if (body._tag === "Headers") options.onHeaders?.(body.metadata)
              if (body._tag === "Message") inbox.push(body.bytes)
              if (body._tag === "Window") window.refill(body.bytes)
              if (body._tag !== "End") return
              note(`${nameOf(path)} ended with ${body.code}`)
              options.onTrailers?.(body.trailers)
              const { code, detail, trailers } = body
              end(Exit.fail(code === 0 ? Cause.Done() : fromStatus(code, { ...about(path), detail, trailers })))
            },
            lost: (reason) => {
              note(`${nameOf(path)} is lost: ${reason}`)
              end(Exit.fail(new Unavailable({ ...about(path), detail: reason })))
            }
          })
          note(nameOf(path))
          line.send(call, {
            _tag: "Begin",
            path,
            metadata: metadataOf(options.metadata ?? {}),
            timeoutMillis: Duration.isFinite(timeout) ? Duration.toMillis(timeout) : undefined
          })
          return { inbox, window, call, line, send: (body: Frame["body"]) => line.send(call, body) }
        }),
        ({ call, inbox, line }) =>
          Effect.sync(() => {
            if (!inbox.isClosed) {
              note(`${nameOf(path)} is cancelled`)
              line.send(call, { _tag: "Cancel" })
            }
            line.forget(call)
          })
      ))

  const write = <Req>({ path, requestSerialize }: Codec<Req, unknown>, call: Open, request: Req) =>
    Effect.flatMap(
      Effect.try({
        try: () => requestSerialize(request),
        catch: (cause) => new Internal({ ...about(path), detail: `Request message serialization failure: ${cause}` })
      }),
      (bytes) =>
        Effect.map(call.window.room, () => {
          call.window.spend(bytes.length)
          call.send({ _tag: "Message", bytes })
        })
    )

  const read = <Res>({ path, responseDeserialize }: Codec<never, Res>, bytes: Buffer): Effect.Effect<Res, GrpcError> =>
    Effect.try({
      try: () => responseDeserialize(bytes),
      catch: (cause) => new Internal({ ...about(path), detail: `Response message parsing error: ${cause}` })
    })

  const exceeded = (path: string, timeout: Duration.Duration) =>
    new DeadlineExceeded({ ...about(path), detail: `Deadline exceeded after ${Duration.format(timeout)}` })

  const timeoutOf = ({ deadline }: CallOptions, orElse: Duration.Duration) =>
    deadline === undefined ? orElse : Duration.fromInputUnsafe(deadline)

  const within = <A, E, R>(path: string, timeout: Duration.Duration, effect: Effect.Effect<A, E, R>) =>
    Duration.isFinite(timeout)
      ? Effect.timeoutOrElse(effect, { duration: timeout, orElse: () => Effect.fail(exceeded(path, timeout)) })
      : effect

  const only = <Res>(method: Codec<never, Res>, call: Open): Effect.Effect<Res, GrpcError> =>
    Effect.gen(function*() {
      const answers: Array<Buffer> = []
      while (true) {
        const some = yield* Effect.catchIf(
          call.inbox.take,
          (end): end is Cause.Done => Cause.isDone(end),
          () => Effect.succeed([])
        )
        if (some.length === 0) break
        answers.push(...some)
      }
      const [answer] = answers
      if (answer === undefined || answers.length > 1) {
        return yield* new Internal({ ...about(method.path), detail: `${answers.length} responses and no error` })
      }
      return yield* read(method, answer)
    })

  const half = (call: Open) => Effect.sync(() => call.send({ _tag: "HalfClose" }))

  const pull = <Res>(
    method: Codec<never, Res>,
    call: Open
  ): Pull.Pull<Arr.NonEmptyReadonlyArray<Res>, GrpcError> =>
    Effect.flatMap(call.inbox.take, (messages): Pull.Pull<Arr.NonEmptyReadonlyArray<Res>, GrpcError> => {
      call.send({ _tag: "Window", bytes: messages.reduce((sum, { length }) => sum + length, 0) })
      const [first, ...rest] = messages
      if (first === undefined) return Cause.done()
      return Effect.flatMap(
        read(method, first),
        (head) =>
          Effect.map(Effect.forEach(rest, (bytes) => read(method, bytes)), (tail): Arr.NonEmptyReadonlyArray<Res> => [
            head,
            ...tail
          ])
      )
    })

  const responses = <Res, E, R>(
    method: Codec<never, Res>,
    options: CallOptions,
    sending: (call: Open) => Effect.Effect<unknown, GrpcError | E, R>
  ): Stream.Stream<Res, GrpcError | E, R> =>
    Stream.unwrap(Effect.gen(function*() {
      const timeout = timeoutOf(options, Duration.infinity)
      const call = yield* within(method.path, timeout, open(method.path, timeout, options))
      const answers = Stream.fromPull(Effect.succeed(pull(method, call)))
      const sent = Stream.interruptWhen(answers, Effect.andThen(sending(call), Effect.never))
      return Duration.isFinite(timeout)
        ? Stream.interruptWhen(sent, Effect.delay(Effect.fail(exceeded(method.path, timeout)), timeout))
        : sent
    }))

  return {
    unary: (method) => (request, options = {}) => {
      const timeout = timeoutOf(options, deadlineDefault)
      return within(
        method.path,
        timeout,
        Effect.scoped(Effect.gen(function*() {
          const call = yield* open(method.path, timeout, options)
          yield* write(method, call, request)
          yield* half(call)
          return yield* only(method, call)
        }))
      )
    },
    clientStream: (method) => (requests, options = {}) => {
      const timeout = timeoutOf(options, Duration.infinity)
      return within(
        method.path,
        timeout,
        Effect.scoped(Effect.gen(function*() {
          const call = yield* open(method.path, timeout, options)
          const sending = Effect.andThen(Stream.runForEach(requests, (one) => write(method, call, one)), half(call))
          return yield* Effect.raceFirst(only(method, call), Effect.andThen(sending, Effect.never))
        }))
      )
    },
    serverStream: (method) => (request, options = {}) =>
      responses(method, options, (call) => Effect.andThen(write(method, call, request), half(call))),
    bidi: (method) => (requests, options = {}) =>
      responses(
        method,
        options,
        (call) => Effect.andThen(Stream.runForEach(requests, (one) => write(method, call, one)), half(call))
      )
  }
}

/**
 * Runs one incoming call without a fiber: its only request is read, answered and ended by the events of its stream.
 *
 * It ends as a call with a fiber does, when the client cancels or disconnects, when the deadline passes, and when the server
 * closes; whoever works for it is told to stop.
 */
import { Cause, Effect, Exit, Option } from "effect"
import type { Member, Ring } from "../../../../domain/churn/Ring.ts"
import { later } from "../../../sockets/Timer.ts"
import * as Compression from "../../Compression.ts"
import { DeadlineExceeded, type GrpcError, Unavailable } from "../../GrpcError.ts"
import type { Frame } from "../Frames.ts"
import { machineClock } from "../MachineClock.ts"
import { onlyOne, type ServeDirectly } from "./GrpcHandler.ts"
import * as GrpcStatus from "./GrpcStatus.ts"
import type { Http2Call } from "./Http2Call.ts"
import * as PeerAddress from "./PeerAddress.ts"
import { failureOf } from "./RunCall.ts"

/** What a server does for all calls of this kind. */
interface DirectRunner {
  readonly running: Ring<DirectCall>
  /** Starts a fiber that the server owns. */
  readonly run: (effect: Effect.Effect<void>) => unknown
}

const ok = GrpcStatus.ok({})
const nothing = () => {}

const messageOf = (path: string, frames: ReadonlyArray<Frame>): Exit.Exit<Buffer, GrpcError> =>
  frames.some(({ isCompressed }) => isCompressed)
    ? Exit.fail(Compression.unannounced())
    : onlyOne(path, frames.map(({ bytes }) => bytes))

export class DirectCall {
  readonly #incoming: Http2Call
  readonly #runner: DirectRunner
  #isOver = false
  #stop = nothing
  #member: Member<DirectCall> | undefined
  #forgetDeadline = nothing

  constructor(incoming: Http2Call, runner: DirectRunner) {
    this.#incoming = incoming
    this.#runner = runner
  }

  begin(answer: ServeDirectly): void {
    const { head, stream } = this.#incoming
    this.#member = this.#runner.running.add(this)
    stream.once("aborted", this.leave)
    this.#incoming.onClosed(this.leave)
    if (Option.isSome(head.deadline)) {
      this.#forgetDeadline = later(
        Math.max(0, head.deadline.value - machineClock.currentTimeMillisUnsafe()),
        () => this.giveUp(new DeadlineExceeded({ detail: "the deadline passed" }))
      )
    }
    this.#incoming.expectSoon()
    this.#doing(() =>
      this.#incoming.takeFew(2, (frames) => {
        const request = Exit.isSuccess(frames) ? messageOf(head.path, frames.value) : Exit.failCause(frames.cause)
        if (Exit.isFailure(request)) this.#end(request)
        else this.#doing(() => answer(request.value, (response) => this.#end(response)))
      })
    )
  }

  /** One step, of which it keeps how to stop it, unless the step has already led to the next or to the end. */
  #doing(step: () => () => void): void {
    const before = this.#stop = () => {}
    try {
      const stop = step()
      if (!this.#isOver && this.#stop === before) this.#stop = stop
    } catch (defect) {
      this.#end(Exit.die(defect))
    }
  }

  giveUp(error: GrpcError): void {
    const stop = this.#stop
    this.#end(Exit.fail(error))
    stop()
  }

  /** Nobody is there to be answered. */
  readonly leave = (): void => {
    if (!this.#isOver) this.giveUp(new Unavailable({ detail: "the client is gone" }))
  }

  #end(response: Exit.Exit<Buffer, GrpcError>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stop = nothing
    this.#forgetDeadline()
    if (this.#member !== undefined) this.#runner.running.delete(this.#member)
    const frame = Exit.isSuccess(response) ? this.#incoming.plainFrame(response.value) : response
    if (Exit.isSuccess(frame)) this.#incoming.end(ok, frame.value)
    else this.#fail(frame.cause)
  }

  #fail(cause: Cause.Cause<GrpcError>): void {
    const failure = Cause.findErrorOption(cause)
    if (Option.isSome(failure)) return this.#incoming.end(GrpcStatus.failed(failure.value), undefined)
    const { head, stream } = this.#incoming
    const call = { method: head.path, peer: PeerAddress.ofSession(stream.session).name }
    this.#runner.run(
      Effect.map(failureOf(cause, call, undefined), (error) => this.#incoming.end(GrpcStatus.failed(error), undefined))
    )
  }
}

export const runDirect = (incoming: Http2Call, answer: ServeDirectly, runner: DirectRunner): void => {
  const { stream } = incoming
  // A stream that is closed already tells nobody here.
  if (!stream.closed && !stream.aborted) new DirectCall(incoming, runner).begin(answer)
}

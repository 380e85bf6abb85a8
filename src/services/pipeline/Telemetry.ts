/**
 * Hands events to a pipeline's observer, if it has one. An observer that throws is counted and otherwise ignored: what
 * watches the work must not change it.
 */
import { Effect } from "effect"
import type { PipelineEvent } from "../../domain/pipeline/PipelineEvent.ts"

export type Observe = (event: PipelineEvent) => void

export class Telemetry {
  readonly #pipeline: string
  readonly #observe: Observe | undefined
  #lastId = 0
  failures = 0

  constructor(pipeline: string, observe: Observe | undefined) {
    this.#pipeline = pipeline
    this.#observe = observe
  }

  get isOn(): boolean {
    return this.#observe !== undefined
  }

  /** Connects a start with its stop. */
  nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  emit(event: PipelineEvent): void {
    if (this.#observe === undefined) return
    try {
      this.#observe(event)
    } catch {
      this.failures += 1
    }
  }

  /** Runs an effect whose failures, defects and length are contained; answers whether all went well. */
  contained<E, R>(
    kind: "rejected" | "acknowledge",
    size: number,
    self: Effect.Effect<unknown, E, R>
  ): Effect.Effect<boolean, never, R> {
    return Effect.suspend(() => {
      const id = this.nextId()
      this.emit({ _tag: `${kind}.start`, id, size })
      return Effect.matchCauseEffect(self, {
        onSuccess: () => Effect.succeed(true),
        onFailure: (cause) =>
          Effect.as(
            Effect.logError(`Pipeline ${this.#pipeline}: ${called[kind]} failed for ${size} messages`, cause),
            false
          )
      }).pipe(
        Effect.tap((isFine) => Effect.sync(() => this.emit({ _tag: `${kind}.stop`, id, contained: !isFine })))
      )
    })
  }
}

const called = { rejected: "onRejected", acknowledge: "acknowledge" } as const

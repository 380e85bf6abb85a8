/**
 * The circuit against a model by random commands: the model is told only what a user sees (calls, outcomes, time, the
 * operator's hand) and keeps its own, simpler books.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Circuit from "../../../src/domain/breaker/Circuit.ts"

const policy: Circuit.CircuitPolicy = { thresholds: { refused: 2, slow: 4 }, probes: 3 }
const openForMillis = 1000

interface Call {
  readonly generation: number
  readonly isProbe: boolean
}

interface Model {
  state: Circuit.CircuitState
  failures: Record<string, number>
  openedAt: number
  /** Probes of the present half-open round. */
  probing: number
  succeeded: number
  round: number
}

interface Real {
  circuit: Circuit.Circuit
  now: number
  readonly calls: Array<Call & { readonly round: number }>
}

const moveTo = (model: Model, state: Circuit.CircuitState) => {
  Object.assign(model, { state, failures: {}, probing: 0, succeeded: 0, round: model.round + 1 })
}

const agree = (model: Model, real: Real) => {
  assert.strictEqual(real.circuit.state, model.state)
  assert.strictEqual(real.circuit.probing, model.probing)
  assert.isAtMost(real.circuit.probing + real.circuit.probesSucceeded, policy.probes)
  assert.isAtLeast(real.circuit.probing, 0)
}

class Begin implements fc.Command<Model, Real> {
  check = () => true
  run(model: Model, real: Real) {
    const admitted = Circuit.admit(real.circuit, policy, real.now)
    if (model.state === "open" && real.now - model.openedAt >= openForMillis) moveTo(model, "half_open")
    const mayPass = model.state === "closed" || model.state === "forced_closed" ||
      (model.state === "half_open" && model.probing + model.succeeded < policy.probes)
    assert.strictEqual(admitted._tag === "admitted", mayPass)
    if (admitted._tag !== "admitted") return
    real.circuit = admitted.circuit
    if (model.state === "half_open") model.probing += 1
    assert.strictEqual(admitted.isProbe, model.state === "half_open")
    real.calls.push({ generation: admitted.circuit.generation, isProbe: admitted.isProbe, round: model.round })
    agree(model, real)
  }
  toString = () => "begin"
}

class End implements fc.Command<Model, Real> {
  readonly pick: number
  readonly result: Circuit.CallResult
  constructor(pick: number, result: Circuit.CallResult) {
    this.pick = pick
    this.result = result
  }
  check = () => true
  run(model: Model, real: Real) {
    const [call] = real.calls.splice(this.pick % Math.max(1, real.calls.length), 1)
    if (call === undefined) return
    const { generation } = call
    const before = real.circuit
    real.circuit = Circuit.record(before, policy, { generation, result: this.result, openForMillis }, real.now)
    if (call.round !== model.round) assert.strictEqual(real.circuit, before)
    else this.#tell(model, real.now)
    agree(model, real)
  }
  #tell(model: Model, now: number) {
    const { result } = this
    if (model.state === "half_open") {
      model.probing -= 1
      if (result._tag === "success") model.succeeded += 1
      if (result._tag === "failure") this.#open(model, now)
      if (model.succeeded === policy.probes) moveTo(model, "closed")
    } else if (model.state === "closed") {
      if (result._tag === "success") model.failures = {}
      if (result._tag !== "failure") return
      const count = (model.failures[result.failureClass] ?? 0) + 1
      model.failures[result.failureClass] = count
      if (count >= (policy.thresholds[result.failureClass] ?? Infinity)) this.#open(model, now)
    }
  }
  #open(model: Model, now: number) {
    moveTo(model, "open")
    model.openedAt = now
  }
  toString = () => `end(${this.pick}, ${JSON.stringify(this.result)})`
}

class Advance implements fc.Command<Model, Real> {
  readonly millis: number
  constructor(millis: number) {
    this.millis = millis
  }
  check = () => true
  run(_: Model, real: Real) {
    real.now += this.millis
  }
  toString = () => `advance(${this.millis})`
}

class Force implements fc.Command<Model, Real> {
  readonly to: Circuit.Force
  constructor(to: Circuit.Force) {
    this.to = to
  }
  check = () => true
  run(model: Model, real: Real) {
    real.circuit = Circuit.force(real.circuit, this.to)
    const isForced = model.state === "forced_open" || model.state === "forced_closed"
    if (this.to !== "auto" && model.state !== `forced_${this.to}`) moveTo(model, `forced_${this.to}`)
    if (this.to === "auto" && isForced) moveTo(model, "closed")
    agree(model, real)
  }
  toString = () => `force(${this.to})`
}

const outcomes = fc.oneof(
  fc.constant<Circuit.CallResult>({ _tag: "success" }),
  fc.constant<Circuit.CallResult>({ _tag: "ignored" }),
  fc.constantFrom("refused", "slow", "unheard of").map((failureClass): Circuit.CallResult => ({
    _tag: "failure",
    failureClass
  }))
)

const commands = fc.commands([
  fc.constant(new Begin()),
  fc.constant(new Begin()),
  fc.tuple(fc.nat(9), outcomes).map(([pick, result]) => new End(pick, result)),
  fc.tuple(fc.nat(9), outcomes).map(([pick, result]) => new End(pick, result)),
  fc.constantFrom(1, 500, 1000).map((millis) => new Advance(millis)),
  fc.constantFrom<Circuit.Force>("open", "closed", "auto").map((to) => new Force(to))
], { maxCommands: 60 })

describe("Circuit", () => {
  it("agrees with its model after any sequence of calls, outcomes, waits and orders", () => {
    fc.assert(
      fc.property(commands, (sequence) => {
        fc.modelRun(() => ({
          model: { state: "closed", failures: {}, openedAt: 0, probing: 0, succeeded: 0, round: 0 } satisfies Model,
          real: { circuit: Circuit.initial, now: 0, calls: [] }
        }), sequence)
      }),
      { numRuns: 2000 }
    )
  })

  it("stays open no longer than its open time when the clock jumps back", () => {
    const failure = { _tag: "failure", failureClass: "refused" } as const
    const fail = (circuit: Circuit.Circuit) =>
      Circuit.record(circuit, policy, { generation: circuit.generation, result: failure, openForMillis }, 1_000_000)
    const opened = fail(fail(Circuit.initial))

    assert.deepStrictEqual(Circuit.admit(opened, policy, 0), { _tag: "open", retryAfterMillis: openForMillis })
  })
})

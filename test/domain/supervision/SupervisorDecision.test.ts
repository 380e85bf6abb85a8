import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as fc from "fast-check"
import type { ChildDeclaration } from "../../../src/domain/supervision/ChildState.ts"
import { decide } from "../../../src/domain/supervision/SupervisorDecision.ts"
import * as State from "../../../src/domain/supervision/SupervisorState.ts"
import {
  type ModelFlags,
  type ModelSpec,
  type Observation,
  type Operation,
  type Request,
  stopLimitMillis,
  SupervisorModel
} from "../../../src/services/supervision/testing/SupervisorModel.ts"
import { type Life, lives, parameters, type World } from "./SupervisorCommands.ts"

const flagsOf = (flags: ModelFlags): State.SupervisorFlags => ({
  strategy: flags.strategy,
  autoShutdown: flags.autoShutdown,
  intensity: { maxRestarts: flags.maxRestarts, period: Duration.millis(flags.periodMillis) }
})

const declare = (spec: ModelSpec): ChildDeclaration => ({
  id: spec.id,
  kind: "worker",
  restart: spec.restart,
  significant: spec.significant,
  delayed: spec.backoffMillis > 0
})

interface Retry {
  readonly id: string
  readonly generation: number
  readonly dueAtMillis: number
}

/** Carries out what the decision wants at once, in a world without fibers. */
class PlainWorld implements World {
  private state: State.SupervisorState
  private readonly specs: Map<string, ModelSpec>
  private readonly failing = new Map<string, number>()
  private readonly slow = new Map<string, number>()
  private leftBehind: Array<number> = []
  private log: Array<string> = []
  private retries: Array<Retry> = []
  private nowMillis = 0
  private reply = ""

  constructor({ flags, specs }: Life) {
    this.specs = new Map(specs.map((spec) => [spec.id, spec]))
    this.state = State.make(flagsOf(flags), specs.map(declare))
    this.tell({ _tag: "Boot" })
  }

  perform(operation: Operation): Observation {
    this.reply = ""
    const beganAtMillis = this.nowMillis
    this.carry(operation)
    const happens = operation._tag === "advance" || operation._tag === "exit"
    const repliedAfterMillis = happens ? 0 : this.nowMillis - beganAtMillis
    this.takeUp(this.nowMillis)
    this.leftBehind = this.leftBehind.filter((atMillis) => atMillis > this.nowMillis)
    const listed = this.state.children.toArray().map(({ id, status }) => `${id}:${status}`)
    const { active, specs, supervisors, workers } = State.count(this.state)
    const isOver = this.state.end !== undefined
    return {
      reply: this.reply,
      repliedAfterMillis,
      tookMillis: this.nowMillis - beganAtMillis,
      live: this.leftBehind.length + active,
      log: this.log.splice(0).join(" "),
      children: listed.join(" "),
      which: isOver ? "gone" : listed.toReversed().join(" "),
      counts: isOver ? "gone" : `${specs}/${active}/${supervisors}/${workers}`,
      ended: this.state.end?._tag ?? ""
    }
  }

  private carry(operation: Operation): void {
    switch (operation._tag) {
      case "failNextStart":
        this.failing.set(operation.id, operation.times)
        return
      case "slowStop":
        this.slow.set(operation.id, operation.millis)
        return
      case "advance":
        return this.advance(operation.millis)
      case "exit": {
        const child = this.state.children.find(operation.id)
        if (child?.status !== "running") return
        this.log.push(`-${child.id}`)
        const { generation, id } = child
        return this.tell({ _tag: "Exited", id, generation, exit: operation.exit, atMillis: this.nowMillis })
      }
      case "stop":
      case "killSupervisor":
        return this.tell({ _tag: "Shutdown" })
      default:
        if (this.state.end !== undefined) this.reply = "gone"
        else this.tell(this.request(operation))
    }
  }

  private request(operation: Request): State.SupervisorInput {
    switch (operation._tag) {
      case "startChild":
        if (!this.state.children.toArray().some(({ id }) => id === operation.spec.id)) {
          this.specs.set(operation.spec.id, operation.spec)
        }
        this.reply = "started"
        return { _tag: "AddChild", child: declare(operation.spec) }
      case "restart":
        this.reply = "started"
        return { _tag: "RestartChild", id: operation.id }
      case "terminate":
        this.reply = "ok"
        return { _tag: "TerminateChild", id: operation.id }
      case "delete":
        this.reply = "ok"
        return { _tag: "DeleteChild", id: operation.id }
      case "changeSpecs":
        this.reply = "ok"
        for (const spec of operation.specs) this.specs.set(spec.id, spec)
        return { _tag: "ChangeSpecs", flags: flagsOf(operation.flags), children: operation.specs.map(declare) }
    }
  }

  private tell(input: State.SupervisorInput): void {
    const [state, commands] = decide(this.state, input)
    this.state = state
    for (const command of commands) this.obey(command)
  }

  private retry(retry: Retry): void {
    this.retries = this.retries.filter((other) => other !== retry)
    this.tell({ _tag: "RetryDue", id: retry.id, generation: retry.generation })
  }

  private obey(command: State.SupervisorCommand): void {
    switch (command._tag) {
      case "Start":
        return this.start(command.id)
      case "Stop":
        this.stop(command.id)
        return this.tell({ _tag: "Stopped", id: command.id })
      case "Retry": {
        const delayMillis = this.specs.get(command.id)?.backoffMillis ?? 0
        const { generation, id } = command
        this.retries.push({ id, generation, dueAtMillis: this.nowMillis + delayMillis })
        return
      }
      case "Cancel":
        this.retries = this.retries.filter(({ id }) => id !== command.id)
        return
      case "Reply":
        if (command.reply._tag === "Refused") this.reply = command.reply.refusal
        if (command.reply._tag === "StartFailed") this.reply = "failed"
        return
      case "Note":
      case "End":
        return
    }
  }

  private stop(id: string): void {
    this.log.push(`-${id}`)
    const neededMillis = this.slow.get(id) ?? 0
    if (neededMillis > stopLimitMillis) this.leftBehind.push(this.nowMillis + neededMillis)
    this.nowMillis += Math.min(neededMillis, stopLimitMillis)
  }

  private start(id: string): void {
    const left = this.failing.get(id) ?? 0
    if (left > 0) {
      this.failing.set(id, left - 1)
      this.log.push(`!${id}`)
      return this.tell({ _tag: "StartFailed", id, atMillis: this.nowMillis })
    }
    this.log.push(`+${id}`)
    this.tell({ _tag: "Started", id })
  }

  private advance(millis: number): void {
    const untilMillis = this.nowMillis + millis
    this.takeUp(untilMillis)
    this.nowMillis = Math.max(this.nowMillis, untilMillis)
  }

  /** Tells of the retries that are due, one after the other, as a supervisor hears of them. */
  private takeUp(untilMillis: number): void {
    for (;;) {
      const limitMillis = Math.max(untilMillis, this.nowMillis)
      const [due] = this.retries
        .filter(({ dueAtMillis }) => dueAtMillis <= limitMillis)
        .toSorted((a, b) => a.dueAtMillis - b.dueAtMillis)
      if (due === undefined || this.state.end !== undefined) return
      this.nowMillis = Math.max(this.nowMillis, due.dueAtMillis)
      this.retry(due)
    }
  }
}

describe("The supervisor's decision", () => {
  it("does what the model of OTP does, in 10,000 random lives of up to 50 events", async () => {
    await fc.assert(
      fc.asyncProperty(lives, async ({ commands, life }) => {
        const setup = () => {
          const model = new SupervisorModel(life.flags, life.specs)
          const real = new PlainWorld(life)
          const begin: Operation = { _tag: "advance", millis: 0 }
          assert.deepStrictEqual(real.perform(begin), model.perform(begin))
          return { model, real }
        }
        await fc.asyncModelRun(setup, commands)
      }),
      parameters(10_000)
    )
  }, 60_000)
})

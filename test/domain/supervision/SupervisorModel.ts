/**
 * What OTP's supervisor does, written down as plainly as possible: the oracle for the decision and for the fibers.
 *
 * Shares no code with what it judges. Nothing takes time here but a backoff.
 */
import type { AutoShutdown } from "../../../src/domain/supervision/AutoShutdown.ts"
import type { ExitClass, Restart } from "../../../src/domain/supervision/ChildExit.ts"
import type { Strategy } from "../../../src/domain/supervision/Strategy.ts"

export interface ModelSpec {
  readonly id: string
  readonly restart: Restart
  readonly significant: boolean
  /** Milliseconds between an end and the next start; 0 for none. */
  readonly backoffMillis: number
}

export interface ModelFlags {
  readonly strategy: Strategy
  readonly maxRestarts: number
  readonly periodMillis: number
  readonly autoShutdown: AutoShutdown
}

export type Operation =
  | { readonly _tag: "startChild"; readonly spec: ModelSpec }
  | { readonly _tag: "terminate" | "restart" | "delete"; readonly id: string }
  | { readonly _tag: "exit"; readonly id: string; readonly exit: ExitClass }
  | { readonly _tag: "failNextStart"; readonly id: string; readonly times: number }
  | { readonly _tag: "advance"; readonly millis: number }
  | { readonly _tag: "changeFlags"; readonly flags: ModelFlags }
  | { readonly _tag: "stop" }

/** What can be seen from outside after an operation has had all its consequences. */
export interface Observation {
  /** `started`, `ok`, `failed`, `gone`, or why it was refused; empty for what asks nothing. */
  readonly reply: string
  /** `+a` started, `!a` did not start, `-a` ended. */
  readonly log: string
  /** Children in start order with their state. */
  readonly children: string
  readonly ended: string
}

interface Child {
  spec: ModelSpec
  status: "running" | "stopped" | "restarting"
  dueAtMillis: number
  turn: number
}

export class SupervisorModel {
  private flags: ModelFlags
  private children: Array<Child> = []
  private stamps: Array<number> = []
  private failing = new Map<string, number>()
  private log: Array<string> = []
  private nowMillis = 0
  private turn = 0
  private ended = ""

  constructor(flags: ModelFlags, specs: ReadonlyArray<ModelSpec>) {
    this.flags = flags
    this.children = specs.map((spec) => ({ spec, status: "stopped", dueAtMillis: 0, turn: 0 }))
    for (const child of this.children) this.start(child)
  }

  isRunning(id: string): boolean {
    return this.find(id)?.status === "running"
  }

  get specs(): ReadonlyArray<ModelSpec> {
    return this.children.map(({ spec }) => spec)
  }

  get hasEnded(): boolean {
    return this.ended !== ""
  }

  perform(operation: Operation): Observation {
    const reply = this.answer(operation)
    return {
      reply,
      log: this.log.splice(0).join(" "),
      children: this.children.map(({ spec, status }) => `${spec.id}:${status}`).join(" "),
      ended: this.ended
    }
  }

  private answer(operation: Operation): string {
    switch (operation._tag) {
      case "failNextStart":
        this.failing.set(operation.id, operation.times)
        return ""
      case "advance":
        this.advance(operation.millis)
        return ""
      case "exit": {
        const child = this.find(operation.id)
        if (child?.status === "running") this.exited(child, operation.exit)
        return ""
      }
      case "stop":
        if (!this.hasEnded) this.shutDown("stopped")
        return ""
      default:
        return this.hasEnded ? "gone" : this.request(operation)
    }
  }

  private request(
    operation: Exclude<Operation, { readonly _tag: "failNextStart" | "advance" | "exit" | "stop" }>
  ): string {
    if (operation._tag === "changeFlags") {
      this.flags = operation.flags
      return "ok"
    }
    if (operation._tag === "startChild") return this.startChild(operation.spec)
    const child = this.find(operation.id)
    if (child === undefined) return "not_found"
    if (operation._tag === "terminate") {
      this.stop(child)
      return "ok"
    }
    if (child.status !== "stopped") return child.status
    if (operation._tag === "restart") return this.start(child) ? "started" : "failed"
    this.remove(child)
    return "ok"
  }

  private startChild(spec: ModelSpec): string {
    const present = this.find(spec.id)
    if (present !== undefined) return present.status === "running" ? "already_started" : "already_present"
    const child: Child = { spec, status: "stopped", dueAtMillis: 0, turn: 0 }
    this.children.push(child)
    if (this.start(child)) return "started"
    this.remove(child)
    return "failed"
  }

  private find(id: string): Child | undefined {
    return this.children.find(({ spec }) => spec.id === id)
  }

  private remove(child: Child): void {
    this.children = this.children.filter((other) => other !== child)
  }

  private start(child: Child): boolean {
    const left = this.failing.get(child.spec.id) ?? 0
    if (left > 0) {
      this.failing.set(child.spec.id, left - 1)
      this.log.push(`!${child.spec.id}`)
      return false
    }
    child.status = "running"
    this.log.push(`+${child.spec.id}`)
    return true
  }

  /** By the supervisor's hand. */
  private stop(child: Child): void {
    const wasStopped = child.status === "stopped"
    if (child.status === "running") this.log.push(`-${child.spec.id}`)
    child.status = "stopped"
    if (child.spec.restart === "temporary" && !wasStopped) this.remove(child)
  }

  private shutDown(outcome: string): void {
    for (const child of this.children.toReversed()) this.stop(child)
    this.ended = outcome
  }

  private exited(child: Child, exit: ExitClass): void {
    this.log.push(`-${child.spec.id}`)
    const isAbnormal = exit === "failure" || exit === "killed"
    const { restart } = child.spec
    if (restart === "permanent" || (restart === "transient" && isAbnormal)) return this.restart(child)
    child.status = "stopped"
    if (restart === "temporary") this.remove(child)
    if (!child.spec.significant) return
    const others = this.children.filter(({ spec, status }) => spec.significant && status !== "stopped")
    const { autoShutdown } = this.flags
    if (autoShutdown === "any_significant" || (autoShutdown === "all_significant" && others.length === 0)) {
      this.shutDown("auto_shutdown")
    }
  }

  private restart(child: Child): void {
    const { maxRestarts, periodMillis } = this.flags
    this.stamps = [...this.stamps.filter((stamp) => this.nowMillis - stamp <= periodMillis), this.nowMillis]
    child.status = "stopped"
    if (this.stamps.length > maxRestarts) return this.shutDown("intensity_exceeded")
    if (child.spec.backoffMillis === 0) return this.restartGroup(child)
    for (const other of this.group(child).toReversed()) if (other !== child) this.stop(other)
    child.status = "restarting"
    child.dueAtMillis = this.nowMillis + child.spec.backoffMillis
    child.turn = ++this.turn
  }

  private group(child: Child): ReadonlyArray<Child> {
    const from = this.children.indexOf(child)
    switch (this.flags.strategy) {
      case "one_for_one":
        return [child]
      case "rest_for_one":
        return this.children.slice(from)
      case "one_for_all":
        return [...this.children]
    }
  }

  private restartGroup(failed: Child): void {
    for (const other of this.group(failed).toReversed()) if (other !== failed) this.stop(other)
    for (const child of this.group(failed)) {
      if (!this.start(child)) return this.restart(child)
    }
  }

  private advance(millis: number): void {
    const untilMillis = this.nowMillis + millis
    for (;;) {
      const [due] = this.children
        .filter(({ dueAtMillis, status }) => status === "restarting" && dueAtMillis <= untilMillis)
        .toSorted((a, b) => a.dueAtMillis - b.dueAtMillis || a.turn - b.turn)
      if (due === undefined || this.hasEnded) break
      this.nowMillis = due.dueAtMillis
      this.restartGroup(due)
    }
    this.nowMillis = untilMillis
  }
}

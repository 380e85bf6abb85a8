/**
 * What OTP's supervisor does, written down as plainly as possible: the oracle for the decision and for the fibers.
 *
 * Shares no code with what it judges. Nothing takes time here but a backoff and a stop that was asked to be slow.
 */
import type { AutoShutdown } from "../../../domain/supervision/AutoShutdown.ts"
import type { ExitClass, Restart } from "../../../domain/supervision/ChildExit.ts"
import type { Strategy } from "../../../domain/supervision/Strategy.ts"

/**
 * How long a stop waits for a child. No sum of the times that a life is made of gets near it or a backoff, so that no
 * two things ever happen at the same millisecond by chance.
 */
export const stopLimitMillis = 1009

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
  /** From now on the child takes so long to end when its supervisor stops it. */
  | { readonly _tag: "slowStop"; readonly id: string; readonly millis: number }
  | { readonly _tag: "advance"; readonly millis: number }
  | { readonly _tag: "changeSpecs"; readonly flags: ModelFlags; readonly specs: ReadonlyArray<ModelSpec> }
  | { readonly _tag: "stop" }
  /** What the supervisor runs in is interrupted: the nearest there is to OTP's kill. */
  | { readonly _tag: "killSupervisor" }

/** An operation that is answered; the others only happen. */
export type Request = Extract<
  Operation,
  { readonly _tag: "startChild" | "terminate" | "restart" | "delete" | "changeSpecs" }
>

/** What can be seen from outside after an operation has had all its consequences. */
export interface Observation {
  /** `started`, `ok`, `failed`, `gone`, or why it was refused; empty for what asks nothing. */
  readonly reply: string
  /** When the operation was answered, after it was asked. */
  readonly repliedAfterMillis: number
  /** When its last consequence was over. Nothing happens after it but what waits for a backoff. */
  readonly tookMillis: number
  /** `+a` started, `!a` did not start, `-a` ended. */
  readonly log: string
  /** Children in start order with their state. */
  readonly children: string
  /** The same as OTP's `which_children` lists them: newest first; `gone` once the supervisor has ended. */
  readonly which: string
  /** As OTP's `count_children`: `specs/active/supervisors/workers`; `gone` once the supervisor has ended. */
  readonly counts: string
  readonly ended: string
  /** Children that have not ended: the running ones and those left behind. */
  readonly live: number
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
  private slow = new Map<string, number>()
  /** When those that were left behind will end. */
  private leftBehind: Array<number> = []
  private log: Array<string> = []
  private nowMillis = 0
  private turn = 0
  private ended = ""

  constructor(flags: ModelFlags, specs: ReadonlyArray<ModelSpec>) {
    this.flags = flags
    this.children = specs.map((spec) => ({ spec, status: "stopped", dueAtMillis: 0, turn: 0 }))
    for (const child of this.children) this.start(child)
  }

  get hasEnded(): boolean {
    return this.ended !== ""
  }

  perform(operation: Operation): Observation {
    const beganAtMillis = this.nowMillis
    const reply = this.answer(operation)
    const repliedAfterMillis = operation._tag === "advance" ? 0 : this.nowMillis - beganAtMillis
    this.takeUp(this.nowMillis)
    this.leftBehind = this.leftBehind.filter((atMillis) => atMillis > this.nowMillis)
    const listed = this.children.map(({ spec, status }) => `${spec.id}:${status}`)
    const active = this.children.filter(({ status }) => status === "running").length
    return {
      reply,
      repliedAfterMillis: operation._tag === "exit" ? 0 : repliedAfterMillis,
      tookMillis: this.nowMillis - beganAtMillis,
      live: this.leftBehind.length + active,
      log: this.log.splice(0).join(" "),
      children: listed.join(" "),
      which: this.hasEnded ? "gone" : listed.toReversed().join(" "),
      counts: this.hasEnded ? "gone" : `${listed.length}/${active}/0/${listed.length}`,
      ended: this.ended
    }
  }

  private answer(operation: Operation): string {
    switch (operation._tag) {
      case "failNextStart":
        this.failing.set(operation.id, operation.times)
        return ""
      case "slowStop":
        this.slow.set(operation.id, operation.millis)
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
      case "killSupervisor":
        if (!this.hasEnded) this.shutDown("stopped")
        return ""
      default:
        return this.hasEnded ? "gone" : this.request(operation)
    }
  }

  private request(operation: Request): string {
    if (operation._tag === "changeSpecs") return this.changeSpecs(operation.flags, operation.specs)
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

  private changeSpecs(flags: ModelFlags, specs: ReadonlyArray<ModelSpec>): string {
    this.flags = flags
    const named = specs.map((spec): Child => {
      const known = this.find(spec.id)
      return known === undefined ? { spec, status: "stopped", dueAtMillis: 0, turn: 0 } : { ...known, spec }
    })
    const others = this.children.filter(({ spec }) => !specs.some(({ id }) => id === spec.id))
    this.children = [...named, ...others]
    return "ok"
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
    if (child.status === "running") {
      this.log.push(`-${child.spec.id}`)
      const neededMillis = this.slow.get(child.spec.id) ?? 0
      if (neededMillis > stopLimitMillis) this.leftBehind.push(this.nowMillis + neededMillis)
      this.nowMillis += Math.min(neededMillis, stopLimitMillis)
    }
    child.status = "stopped"
    if (child.spec.restart === "temporary" && !wasStopped) this.remove(child)
  }

  private shutDown(end: string): void {
    for (const child of this.children.toReversed()) this.stop(child)
    this.ended = end
  }

  private exited(child: Child, exit: ExitClass): void {
    this.log.push(`-${child.spec.id}`)
    const isAbnormal = exit === "failure" || exit === "killed"
    const { restart } = child.spec
    if (restart === "permanent" || (restart === "transient" && isAbnormal)) return this.restart(child, false)
    child.status = "stopped"
    if (restart === "temporary") this.remove(child)
    if (!child.spec.significant) return
    const others = this.children.filter(({ spec, status }) => spec.significant && status !== "stopped")
    const { autoShutdown } = this.flags
    if (autoShutdown === "any_significant" || (autoShutdown === "all_significant" && others.length === 0)) {
      this.shutDown("auto_shutdown")
    }
  }

  private restart(child: Child, isAttempt: boolean): void {
    const { maxRestarts, periodMillis } = this.flags
    this.stamps = [...this.stamps.filter((stamp) => this.nowMillis - stamp <= periodMillis), this.nowMillis]
    child.status = "stopped"
    if (this.stamps.length > maxRestarts) return this.shutDown("intensity_exceeded")
    const { backoffMillis } = child.spec
    if (backoffMillis === 0 && !isAttempt) return this.restartGroup(child)
    if (backoffMillis > 0) { for (const other of this.group(child).toReversed()) if (other !== child) this.stop(other) }
    child.status = "restarting"
    child.dueAtMillis = this.nowMillis + backoffMillis
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
    failed.status = "stopped"
    for (const other of this.group(failed).toReversed()) if (other !== failed) this.stop(other)
    for (const child of this.group(failed)) {
      if (!this.start(child)) return this.restart(child, true)
    }
  }

  private advance(millis: number): void {
    const untilMillis = this.nowMillis + millis
    this.takeUp(untilMillis)
    this.nowMillis = Math.max(this.nowMillis, untilMillis)
  }

  /** The restarts that are due until then, and those that become due while they are carried out. */
  private takeUp(untilMillis: number): void {
    for (;;) {
      const limitMillis = Math.max(untilMillis, this.nowMillis)
      const [due] = this.children
        .filter(({ dueAtMillis, status }) => status === "restarting" && dueAtMillis <= limitMillis)
        .toSorted((a, b) => a.dueAtMillis - b.dueAtMillis || a.turn - b.turn)
      if (due === undefined || this.hasEnded) return
      this.nowMillis = Math.max(this.nowMillis, due.dueAtMillis)
      this.restartGroup(due)
    }
  }
}

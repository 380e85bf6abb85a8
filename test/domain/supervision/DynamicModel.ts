/**
 * What a dynamic supervisor does, written down as plainly as possible: children by id, each restarted by itself, gone
 * when it is not restarted. Shares no code with what it judges.
 */
import type { ExitClass } from "../../../src/domain/supervision/ChildExit.ts"
import type { ModelFlags, ModelSpec } from "../../../src/services/supervision/testing/SupervisorModel.ts"

export type DynamicOperation =
  | { readonly _tag: "startChild"; readonly spec: ModelSpec }
  | { readonly _tag: "terminate"; readonly id: string }
  | { readonly _tag: "exit"; readonly id: string; readonly exit: ExitClass }
  | { readonly _tag: "failNextStart"; readonly id: string; readonly times: number }
  | { readonly _tag: "advance"; readonly millis: number }

/** What can be seen from outside after an operation has had all its consequences. */
export interface DynamicObservation {
  readonly reply: string
  /** Newest first, as `whichChildren` lists them. */
  readonly children: string
  /** `specs/active`, as `countChildren` counts them. */
  readonly counts: string
  /** Starts and ends of each child so far. */
  readonly starts: number
  readonly live: number
  readonly ended: string
}

interface Child {
  readonly spec: ModelSpec
  status: "running" | "restarting"
  dueAtMillis: number
}

export class DynamicModel {
  private readonly flags: Pick<ModelFlags, "maxRestarts" | "periodMillis">
  private readonly maxChildren: number
  private children: Array<Child> = []
  private stamps: Array<number> = []
  private readonly failing = new Map<string, number>()
  private nowMillis = 0
  private starts = 0
  private ended = ""

  constructor(flags: Pick<ModelFlags, "maxRestarts" | "periodMillis">, maxChildren: number) {
    this.flags = flags
    this.maxChildren = maxChildren
  }

  perform(operation: DynamicOperation): DynamicObservation {
    const reply = this.answer(operation)
    this.takeUp(this.nowMillis)
    const active = this.children.filter(({ status }) => status === "running").length
    return {
      reply,
      children: this.ended === ""
        ? this.children.map(({ spec, status }) => `${spec.id}:${status}`).toReversed().join(" ")
        : "gone",
      counts: this.ended === "" ? `${this.children.length}/${active}` : "gone",
      starts: this.starts,
      live: active,
      ended: this.ended
    }
  }

  private answer(operation: DynamicOperation): string {
    switch (operation._tag) {
      case "failNextStart":
        this.failing.set(operation.id, operation.times)
        return ""
      case "advance": {
        const untilMillis = this.nowMillis + operation.millis
        this.takeUp(untilMillis)
        this.nowMillis = untilMillis
        return ""
      }
      case "exit": {
        const child = this.find(operation.id)
        if (child?.status === "running") this.exited(child, operation.exit)
        return ""
      }
      case "terminate": {
        if (this.ended !== "") return "gone"
        const child = this.find(operation.id)
        if (child === undefined) return "not_found"
        this.remove(child)
        return "ok"
      }
      case "startChild":
        return this.ended === "" ? this.startChild(operation.spec) : "gone"
    }
  }

  private startChild(spec: ModelSpec): string {
    const present = this.find(spec.id)
    if (present !== undefined) return present.status === "running" ? "already_started" : "already_present"
    if (this.children.length >= this.maxChildren) return "max_children"
    if (!this.starting(spec.id)) return "failed"
    this.children.push({ spec, status: "running", dueAtMillis: 0 })
    return "started"
  }

  private starting(id: string): boolean {
    const left = this.failing.get(id) ?? 0
    if (left > 0) {
      this.failing.set(id, left - 1)
      return false
    }
    this.starts += 1
    return true
  }

  private exited(child: Child, exit: ExitClass): void {
    const isAbnormal = exit === "failure" || exit === "killed"
    const { restart } = child.spec
    if (restart === "permanent" || (restart === "transient" && isAbnormal)) this.restart(child)
    else this.remove(child)
  }

  private restart(child: Child): void {
    const { maxRestarts, periodMillis } = this.flags
    this.stamps = [...this.stamps.filter((stamp) => this.nowMillis - stamp <= periodMillis), this.nowMillis]
    if (this.stamps.length > maxRestarts) {
      this.ended = "intensity_exceeded"
      this.children = []
      return
    }
    child.status = "restarting"
    child.dueAtMillis = this.nowMillis + child.spec.backoffMillis
  }

  private takeUp(untilMillis: number): void {
    for (;;) {
      const [due] = this.children
        .filter(({ dueAtMillis, status }) => status === "restarting" && dueAtMillis <= untilMillis)
        .toSorted((a, b) => a.dueAtMillis - b.dueAtMillis)
      if (due === undefined) return
      this.nowMillis = Math.max(this.nowMillis, due.dueAtMillis)
      if (this.starting(due.spec.id)) due.status = "running"
      else this.restart(due)
    }
  }

  private find(id: string): Child | undefined {
    return this.children.find(({ spec }) => spec.id === id)
  }

  private remove(child: Child): void {
    this.children = this.children.filter((other) => other !== child)
  }
}

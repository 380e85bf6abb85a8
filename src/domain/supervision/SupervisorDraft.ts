/** A state under change within one decision: the only mutable value of the decision, which never leaves it. */
import type { ChildList } from "./ChildList.ts"
import type { ChildDeclaration, ChildState } from "./ChildState.ts"
import type { RestartWindow } from "./RestartIntensity.ts"
import type {
  Note,
  Plan,
  Reply,
  Step,
  SupervisorCommand,
  SupervisorFlags,
  SupervisorState,
  Task
} from "./SupervisorState.ts"

export class SupervisorDraft {
  flags: SupervisorFlags
  children: ChildList
  starts: number
  window: RestartWindow
  plan: Plan | undefined
  end: SupervisorState["end"]
  readonly commands: Array<SupervisorCommand> = []

  constructor(state: SupervisorState) {
    this.flags = state.flags
    this.children = state.children
    this.starts = state.starts
    this.window = state.window
    this.plan = state.plan
    this.end = state.end
  }

  toState(): SupervisorState {
    return {
      flags: this.flags,
      children: this.children,
      starts: this.starts,
      window: this.window,
      plan: this.plan,
      end: this.end
    }
  }

  find(id: string): ChildState | undefined {
    return this.children.find(id)
  }

  update(child: ChildState, change: Partial<ChildState>): ChildState {
    const updated = { ...child, ...change }
    this.children = this.children.replace(updated)
    return updated
  }

  append(child: ChildDeclaration): void {
    this.children = this.children.append({ ...child, status: "stopped", generation: 0 })
    this.note({ _tag: "ChildAdded", child })
  }

  remove(child: ChildState): void {
    this.children = this.children.remove(child.id)
    this.note({ _tag: "ChildRemoved", id: child.id })
  }

  /** Keeps the spec of a child that no longer runs, unless it is temporary. */
  settle(child: ChildState): void {
    if (child.restart === "temporary") this.remove(child)
    else this.update(child, { status: "stopped" })
  }

  note(note: Note): void {
    this.commands.push({ _tag: "Note", note })
  }

  reply(reply: Reply): void {
    this.commands.push({ _tag: "Reply", reply })
  }

  begin(task: Task, steps: ReadonlyArray<Step>): void {
    this.plan = { task, steps, next: 0 }
  }
}

export const isLive = (child: ChildState): boolean =>
  child.status === "running" || child.status === "starting" || child.status === "stopping"

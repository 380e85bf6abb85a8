/** A state under change within one decision: the only mutable thing in the algebra, and it never leaves it. */
import type { RestartWindow } from "./RestartIntensity.ts"
import type {
  ChildDeclaration,
  ChildState,
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
  window: RestartWindow
  plan: Plan | undefined
  outcome: SupervisorState["outcome"]
  readonly commands: Array<SupervisorCommand> = []
  private list: ReadonlyArray<ChildState>
  /** The list again, once this draft has copied it to write to it. */
  private own: Array<ChildState> | undefined = undefined
  private readonly positions: Map<string, number>

  constructor(state: SupervisorState) {
    this.flags = state.flags
    this.list = state.children
    this.positions = state.positions
    this.window = state.window
    this.plan = state.plan
    this.outcome = state.outcome
  }

  get children(): ReadonlyArray<ChildState> {
    return this.list
  }

  set children(children: ReadonlyArray<ChildState>) {
    this.list = children
    this.own = undefined
  }

  toState(): SupervisorState {
    return {
      flags: this.flags,
      children: this.list,
      positions: this.positions,
      window: this.window,
      plan: this.plan,
      outcome: this.outcome
    }
  }

  private writable(): Array<ChildState> {
    if (this.own === undefined) this.list = this.own = [...this.list]
    return this.own
  }

  /** Remembered positions are only guesses, for an earlier state may have had other children. */
  indexOf(id: string): number {
    const guess = this.positions.get(id)
    if (guess !== undefined && this.list[guess]?.id === id) return guess
    const index = this.list.findIndex((child) => child.id === id)
    if (index < 0) this.positions.delete(id)
    else this.positions.set(id, index)
    return index
  }

  find(id: string): ChildState | undefined {
    return this.list[this.indexOf(id)]
  }

  update(child: ChildState, change: Partial<ChildState>): ChildState {
    const updated = { ...child, ...change }
    this.writable()[this.indexOf(child.id)] = updated
    return updated
  }

  append(child: ChildDeclaration): void {
    this.positions.set(child.id, this.writable().push({ ...child, status: "stopped", generation: 0 }) - 1)
    this.note({ _tag: "ChildAdded", child })
  }

  remove(child: ChildState): void {
    const index = this.indexOf(child.id)
    this.writable().splice(index, 1)
    this.positions.delete(child.id)
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

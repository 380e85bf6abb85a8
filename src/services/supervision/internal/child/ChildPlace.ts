/** Where a child stands: its path, what runs inside it, who controls it, and who waits for the end of its life. */
import type * as Fiber from "effect/Fiber"
import type { SupervisionEvent } from "../../../../domain/supervision/SupervisionEvent.ts"
import type { BoundChild } from "../../ChildSpec.ts"
import type { Owner } from "./ChildOwner.ts"
import type { ChildControl, ChildPosition, DownReason, Subtree } from "./ChildPosition.ts"

/** `Self` is what stands there. */
export abstract class ChildPlace<E, Self> implements ChildPosition {
  bound: BoundChild<E>
  readonly owner: Owner<Self>
  /** The life that runs now. */
  fiber: Fiber.Fiber<unknown, E> | undefined = undefined
  isClosing = false
  /** Supervisors that run inside; undefined while there never was one, for most children have none. */
  subtrees: ReadonlyArray<Subtree> | undefined = undefined
  private control: ChildControl | undefined = undefined
  /** Who waits for the end of the life that runs now; undefined while nobody does. */
  private monitors: Set<(reason: DownReason) => void> | undefined = undefined

  constructor(bound: BoundChild<E>, owner: Owner<Self>) {
    this.bound = bound
    this.owner = owner
  }

  abstract beat(): void

  get id(): string {
    return this.bound.description.id
  }

  get path(): string {
    return `${this.owner.path}/${this.id}`
  }

  get isSupervisor(): boolean {
    return this.bound.description.kind !== "worker"
  }

  attach(subtree: Subtree): () => void {
    this.subtrees = [...this.subtrees ?? [], subtree]
    return () => {
      this.subtrees = this.subtrees?.filter((other) => other !== subtree)
    }
  }

  publish(event: SupervisionEvent): void {
    this.owner.publish(event)
  }

  /** The control of this child, or of one further below; `path` begins with this child's. */
  controlOf(path: string): ChildControl | "no_control" | undefined {
    if (path === this.path && this.control !== undefined) return this.control
    for (const subtree of this.subtrees ?? []) {
      const found = subtree.control(path)
      if (found !== undefined) return found
    }
    return path === this.path ? "no_control" : undefined
  }

  attachControl(control: ChildControl): () => void {
    this.control = control
    return () => {
      if (this.control === control) this.control = undefined
    }
  }

  nowUnsafe(): number {
    return this.owner.clock.currentTimeMillisUnsafe()
  }

  /** Tells of the end of the life that runs now, or that there is none. Returns how to stop waiting. */
  onDown(tell: (reason: DownReason) => void): () => void {
    if (this.fiber === undefined) {
      tell("noproc")
      return () => {}
    }
    const monitors = this.monitors ??= new Set()
    monitors.add(tell)
    return () => monitors.delete(tell)
  }

  protected goDown(reason: DownReason): void {
    const { monitors } = this
    this.monitors = undefined
    for (const tell of monitors ?? []) tell(reason)
  }

  /** Ends the life as somebody else's hand does: by its restart kind it begins another. */
  kill(): void {
    this.fiber?.interruptUnsafe()
  }
}

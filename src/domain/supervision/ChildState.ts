/** A child as its supervisor's decision sees it. */
import type { Restart } from "./ChildExit.ts"
import type { NodeKind } from "./TreeNode.ts"

/** A child that lends a service to others; compared by identity. */
export interface Provider {
  readonly id: string
}

/** A child as the decision sees it: its spec without the effects. */
export interface ChildDeclaration {
  readonly id: string
  readonly kind: NodeKind
  readonly restart: Restart
  readonly significant: boolean
  /** Whether a backoff lies between the end and the next start. */
  readonly delayed: boolean
  readonly provider?: Provider | undefined
  /** Siblings whose services it works with: they cannot be stopped by hand while it runs. */
  readonly uses?: ReadonlyArray<Provider>
}

export interface ChildState extends ChildDeclaration {
  readonly status: "starting" | "running" | "restarting" | "stopping" | "stopped"
  /**
   * Which start of the supervisor, counted over all its children, made this life; 0 before the first. No two lives have
   * the same, not even of children that had one id after the other, so an input that comes late is known to be about an
   * earlier life.
   */
  readonly generation: number
}

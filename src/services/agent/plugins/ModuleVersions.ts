/**
 * Which version of a checker's module answers: the newest, unless it fails before it has answered `probationCalls` times and
 * there is one to go back to.
 *
 * All checkers of the module share it; each has a thread and a state of its own.
 */
import type { Manifest } from "../../../domain/agent/plugins/CheckerContract.ts"

export interface ModuleVersion {
  /** Of the file's content. */
  readonly version: string
  readonly file: string
  readonly text: string
  readonly manifest: Manifest
}

export const probationCalls = 3

export class ModuleVersions {
  private newest: ModuleVersion
  private answers = 0
  /** Until the newest has stood its probation. */
  private before: ModuleVersion | undefined
  /** A file that is gone answers nothing. */
  isGone = false

  constructor(first: ModuleVersion) {
    this.newest = first
  }

  get current(): ModuleVersion {
    return this.newest
  }

  /** It answers from the next check on. One version to go back to is enough: the last that has stood its probation. */
  offer(next: ModuleVersion): void {
    this.before ??= this.newest
    this.newest = next
    this.answers = 0
    this.isGone = false
  }

  answered(by: ModuleVersion): void {
    if (by !== this.newest) return
    this.answers += 1
    if (this.answers >= probationCalls) this.before = undefined
  }

  /** The version that is back, where there is one. */
  failed(by: ModuleVersion): ModuleVersion | undefined {
    const { before } = this
    if (by !== this.newest || before === undefined) return undefined
    this.newest = before
    this.before = undefined
    return before
  }
}

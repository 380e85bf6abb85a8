/** The messages of a supervisor's mailbox, and their answers. */
import type * as Cause from "effect/Cause"
import type * as State from "../../../domain/supervision/SupervisorState.ts"
import type { BoundChild } from "../ChildSpec.ts"

/** What a request came to, with the failure of a start that failed. */
export interface Answer<E> {
  readonly reply: State.Reply
  readonly failure: Cause.Cause<E>
}

export interface Message<E> {
  readonly input: State.SupervisorInput
  /** New children that the input speaks of. */
  readonly children?: ReadonlyArray<BoundChild<E>>
  /** Undefined once the supervisor has ended. */
  readonly answer?: (answer: Answer<E> | undefined) => void
}

export interface Ended<E> {
  readonly end: State.SupervisorEnd
  readonly failure: Cause.Cause<E>
}

/** The child that a note is about. */
export const noteId = (note: State.Note): string | undefined => {
  switch (note._tag) {
    case "SupervisorStarted":
      return undefined
    case "ChildAdded":
      return note.child.id
    default:
      return note.id
  }
}

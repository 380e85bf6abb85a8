/** Answers to requests by hand: they change what runs, and never the restart window. */
import { ChildList } from "./ChildList.ts"
import type { ChildDeclaration, ChildState } from "./ChildState.ts"
import { isLive, type SupervisorDraft } from "./SupervisorDraft.ts"
import { advance } from "./SupervisorPlan.ts"
import type { Refusal, Step, SupervisorFlags, SupervisorInput } from "./SupervisorState.ts"

export type RequestInput = Extract<
  SupervisorInput,
  { readonly _tag: "AddChild" | "TerminateChild" | "RestartChild" | "DeleteChild" | "ChangeSpecs" }
>

export const answer = (draft: SupervisorDraft, input: RequestInput): void => {
  switch (input._tag) {
    case "AddChild":
      return addChild(draft, input.child)
    case "ChangeSpecs":
      return changeSpecs(draft, input.flags, input.children)
    default: {
      const child = draft.find(input.id)
      return child === undefined ? refuse(draft, "not_found") : answerAbout(draft, input._tag, child)
    }
  }
}

const answerAbout = (
  draft: SupervisorDraft,
  request: "TerminateChild" | "RestartChild" | "DeleteChild",
  child: ChildState
): void => {
  if (request === "TerminateChild" && isUsed(draft, child)) return refuse(draft, "in_use")
  if (request === "TerminateChild") return run(draft, request, [{ _tag: "Stop", id: child.id }])
  if (isLive(child)) return refuse(draft, "running")
  if (child.status === "restarting") return refuse(draft, "restarting")
  if (request === "RestartChild") return run(draft, request, [{ _tag: "Start", id: child.id }])
  draft.remove(child)
  draft.reply({ _tag: "Done" })
}

/** Whether a sibling would go on with the service of a child that is to be stopped. */
const isUsed = (draft: SupervisorDraft, { provider }: ChildState): boolean =>
  provider !== undefined
  && draft.children.toArray().some((other) => other.status !== "stopped" && other.uses?.includes(provider) === true)

const addChild = (draft: SupervisorDraft, child: ChildDeclaration): void => {
  const present = draft.find(child.id)
  if (present !== undefined) return refuse(draft, isLive(present) ? "already_started" : "already_present")
  draft.append(child)
  run(draft, "AddChild", [{ _tag: "Start", id: child.id }])
}

/** New specs are not started; children that the new list leaves out are kept, after those it names. */
const changeSpecs = (
  draft: SupervisorDraft,
  flags: SupervisorFlags,
  children: ReadonlyArray<ChildDeclaration>
): void => {
  const named = new Set(children.map(({ id }) => id))
  const before = draft.children.toArray()
  const known = new Map(before.map((child) => [child.id, child]))
  draft.flags = flags
  draft.children = ChildList.of([
    ...children.map((child): ChildState => ({ status: "stopped", generation: 0, ...known.get(child.id), ...child })),
    ...before.filter(({ id }) => !named.has(id))
  ])
  for (const child of children) if (!known.has(child.id)) draft.note({ _tag: "ChildAdded", child })
  draft.reply({ _tag: "Done" })
}

const run = (
  draft: SupervisorDraft,
  task: "AddChild" | "RestartChild" | "TerminateChild",
  steps: ReadonlyArray<Step>
): void => {
  draft.begin({ _tag: task }, steps)
  advance(draft)
}

const refuse = (draft: SupervisorDraft, refusal: Refusal): void => draft.reply({ _tag: "Refused", refusal })

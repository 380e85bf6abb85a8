/**
 * What holds in every tree at rest, whatever its children do: judged from the events alone and one snapshot.
 *
 * Rules and their names are those of OTP's supervisor; `at rest` means that nothing is left to run without time passing
 * and that no start and no stop is held up by the test.
 */
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"
import * as EventText from "./EventText.ts"
import * as TreeSnapshot from "./TreeSnapshot.ts"

export interface Observed {
  readonly events: ReadonlyArray<SupervisionEvent>
  readonly tree: TreeSnapshot.TreeSnapshot
  /** Children whose life has begun and not ended, by path. */
  readonly alive: ReadonlyMap<string, number>
}

export interface Violation {
  readonly invariant: string
  readonly detail: string
}

type Invariant = (observed: Observed) => ReadonlyArray<string>

type Child = Extract<SupervisionEvent, { readonly child: string }>

const isOfChild = (event: SupervisionEvent): event is Child => "child" in event

const pathOf = (event: Child): string => `${event.path}/${event.child}`

/** The states of children as the events tell them, and of supervisors that a child runs by itself. */
const told = (events: ReadonlyArray<SupervisionEvent>): ReadonlyMap<string, string> => {
  const states = new Map<string, string>()
  for (const event of events) {
    if (event._tag === "SupervisorStarted") states.set(event.path, "running")
    if (event._tag === "SupervisorEnded") {
      states.set(event.path, "ended")
      for (const path of states.keys()) if (path.startsWith(`${event.path}/`)) states.delete(path)
    }
    if (!isOfChild(event)) continue
    switch (event._tag) {
      case "ChildStarted":
        states.set(pathOf(event), "running")
        break
      case "ChildRestarting":
        states.set(pathOf(event), "restarting")
        break
      case "ChildRemoved":
        states.delete(pathOf(event))
        break
      default:
        states.set(pathOf(event), "stopped")
    }
  }
  return states
}

/** A supervisor that ended by itself is a child that runs until its finalizers have run. */
const isClosing = ({ alive }: Observed, states: ReadonlyMap<string, string>, path: string): boolean =>
  states.get(path) === "ended" && alive.has(path)

const eventsTellTheTree: Invariant = (observed) => {
  const { events, tree } = observed
  const states = told(events)
  return TreeSnapshot.flatten(tree).filter(({ path, state }) => path !== tree.path && state === "running").flatMap(
    ({ path }) => {
      const state = states.get(path)
      return state === "running" || isClosing(observed, states, path)
        ? []
        : [`${path} runs, but its events say ${state ?? "nothing of it"}`]
    }
  )
}

const oneLifeAtATime: Invariant = ({ alive, events }) => {
  const abandoned = new Set(events.flatMap((event) => event._tag === "ChildAbandoned" ? [pathOf(event)] : []))
  return [...alive].filter(([path, lives]) => lives > 1 && !abandoned.has(path)).map(([path, lives]) =>
    `${path} lives ${lives} times`
  )
}

const nobodyUnlisted: Invariant = ({ alive, events, tree }) => {
  const abandoned = new Set(events.flatMap((event) => event._tag === "ChildAbandoned" ? [pathOf(event)] : []))
  const running = new Set(
    TreeSnapshot.flatten(tree).filter(({ state }) => state === "running").map(({ path }) => path)
  )
  return [...alive.keys()]
    .filter((path) =>
      !running.has(path) && ![...abandoned].some((left) => path === left || path.startsWith(`${left}/`))
    )
    .map((path) => `${path} lives, but the tree does not say so`)
}

const temporaryNeverRestarts: Invariant = ({ events, tree }) => {
  const temporary = new Set(
    [
      ...TreeSnapshot.flatten(tree).filter(({ restart }) => restart === "temporary").map(({ path }) => path),
      ...events.flatMap((event) => event._tag === "ChildAdded" && event.restart === "temporary" ? [pathOf(event)] : [])
    ]
  )
  return events.flatMap((event) =>
    event._tag === "ChildRestarting" && temporary.has(pathOf(event)) ? [`${pathOf(event)} was restarted`] : []
  )
}

const transientRestartsAfterFailuresOnly: Invariant = ({ events, tree }) => {
  const transient = new Set(
    TreeSnapshot.flatten(tree).filter(({ restart }) => restart === "transient").map(({ path }) => path)
  )
  const lastExit = new Map<string, string>()
  return events.flatMap((event) => {
    if (event._tag === "ChildExited") lastExit.set(pathOf(event), event.exit)
    if (event._tag === "ChildStarted") lastExit.delete(pathOf(event))
    return event._tag === "ChildRestarting" && transient.has(pathOf(event)) && lastExit.get(pathOf(event)) === "normal"
      ? [`${pathOf(event)} was restarted after a normal exit`]
      : []
  })
}

/** Children that are stopped because one of their group waits for the end of its backoff. */
const heldUp = ({ children, strategy }: TreeSnapshot.TreeSnapshot): ReadonlyArray<TreeSnapshot.TreeSnapshot> => {
  const waiting = children.findIndex(({ state }) => state === "restarting")
  if (waiting === -1 || strategy === "one_for_one") return []
  return children.slice(strategy === "one_for_all" ? 0 : waiting).filter(({ state }) => state === "stopped")
}

const permanentRuns: Invariant = (observed) => {
  const states = told(observed.events)
  return TreeSnapshot.flatten(observed.tree)
    .filter(({ kind, path, state }) => kind !== "worker" && state === "running" && !isClosing(observed, states, path))
    .flatMap((supervisor) => supervisor.children.filter((child) => !heldUp(supervisor).includes(child)))
    .filter(({ restart, state }) => restart === "permanent" && state !== "running" && state !== "restarting")
    .map(({ path, state }) => `${path} is permanent and ${state}, and its supervisor runs`)
}

const budgetIsKept: Invariant = ({ tree }) =>
  TreeSnapshot.flatten(tree).filter(({ restartsBudgetLeft }) => (restartsBudgetLeft ?? 0) < 0).map(({ path }) =>
    `${path} has granted more restarts than its intensity allows`
  )

const startsFollowEnds: Invariant = ({ events }) => {
  const running = new Set<string>()
  return events.flatMap((event) => {
    if (event._tag === "SupervisorEnded") {
      for (const path of running) if (path.startsWith(`${event.path}/`)) running.delete(path)
    }
    if (!isOfChild(event)) return []
    const path = pathOf(event)
    if (event._tag === "ChildStarted") {
      if (running.has(path)) return [`${path} was started while it ran`]
      running.add(path)
      return []
    }
    running.delete(path)
    return []
  })
}

const quietAfterTheEnd: Invariant = ({ events, tree }) => {
  const end = events.findIndex((event) => event._tag === "SupervisorEnded" && event.path === tree.path)
  return end === -1 ? [] : events.slice(end + 1).map((event) => `${EventText.of(event)} after the tree had ended`)
}

const invariants: Readonly<Record<string, Invariant>> = {
  "the events of a supervisor tell its children": eventsTellTheTree,
  "a child lives once at a time": oneLifeAtATime,
  "nobody lives whom the tree does not list": nobodyUnlisted,
  "a temporary child is never restarted": temporaryNeverRestarts,
  "a transient child is restarted after failures only": transientRestartsAfterFailuresOnly,
  "a permanent child runs while its supervisor does": permanentRuns,
  "no more restarts are granted than the intensity allows": budgetIsKept,
  "a child is started only after it has ended": startsFollowEnds,
  "nothing happens once the tree has ended": quietAfterTheEnd
}

/** The first violation of each invariant. */
export const judge = (observed: Observed): ReadonlyArray<Violation> =>
  Object.entries(invariants).flatMap(([invariant, of]) => {
    const [detail] = of(observed)
    return detail === undefined ? [] : [{ invariant, detail }]
  })

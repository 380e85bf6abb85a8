/** One line per event, without times: what tests compare and reports show. */
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"

export const of = (event: SupervisionEvent): string => {
  switch (event._tag) {
    case "SupervisorStarted":
      return `${event.path} started`
    case "SupervisorEnded":
      return `${event.path} ended ${event.reason}`
    case "ChildAdded":
      return `${event.path}/${event.child} added ${event.restart}`
    case "ChildStarted":
      return `${event.path}/${event.child} started`
    case "ChildIgnored":
      return `${event.path}/${event.child} ignored`
    case "ChildStartFailed":
      return `${event.path}/${event.child} start failed`
    case "ChildExited":
      return `${event.path}/${event.child} exited ${event.exit}`
    case "ChildRestarting":
      return `${event.path}/${event.child} restarting`
    case "ChildRestartCancelled":
      return `${event.path}/${event.child} restart cancelled`
    case "ChildStopped":
      return `${event.path}/${event.child} stopped ${event.exit}`
    case "ChildAbandoned":
      return `${event.path}/${event.child} abandoned`
    case "ChildRemoved":
      return `${event.path}/${event.child} removed`
  }
}

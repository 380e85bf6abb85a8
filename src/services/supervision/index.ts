/**
 * `serviceradar-effect/supervision`: OTP's supervision on Effect fibers, with the failures of children in the type.
 */
export type { AutoShutdown } from "../../domain/supervision/AutoShutdown.ts"
export { InvalidChildSpec } from "../../domain/supervision/check/SpecCheck.ts"
export type { Restart } from "../../domain/supervision/ChildExit.ts"
export type { RestartIntensityInput as RestartIntensity } from "../../domain/supervision/RestartIntensity.ts"
export type { ShutdownInput as Shutdown } from "../../domain/supervision/Shutdown.ts"
export type { Strategy } from "../../domain/supervision/Strategy.ts"
export { SupervisionEvent } from "../../domain/supervision/SupervisionEvent.ts"
export { TraceEvent } from "../../domain/supervision/TraceEvent.ts"
export { TreeNode } from "../../domain/supervision/TreeNode.ts"
export * as Actor from "./Actor.ts"
export { ActorDown, CallTimedOut, MailboxFull } from "./ActorError.ts"
export type { ChildSpec } from "./ChildSpec.ts"
export * as SupervisionMetrics from "./internal/SupervisionMetrics.ts"
export * as PartitionSupervisor from "./PartitionSupervisor.ts"
export * as Registry from "./Registry.ts"
export { NoSuchChild, SupervisionTree } from "./SupervisionTree.ts"
export * as Supervisor from "./Supervisor.ts"
export {
  ChildRefused,
  ChildStartError,
  HeartbeatMissed,
  StartAbandoned,
  StartTimedOut,
  SupervisorGone,
  SupervisorShutdown,
  SupervisorStartError
} from "./SupervisorError.ts"
export * as TaskSupervisor from "./TaskSupervisor.ts"

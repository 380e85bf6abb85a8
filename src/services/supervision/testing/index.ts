/**
 * `serviceradar-effect/supervision/testing`: trees on the test clock, and faults drawn from seeds for any tree.
 *
 * `TestTree` starts a tree, ends its children by path and compares; `TreeCheck` puts a tree through random faults and says
 * what did not hold, with the seed and the fewest steps that show it. `SupervisorModel` is what OTP's supervisor does, and
 * `ModelCheck` holds whatever claims to do the same to it.
 */
export * as FaultPlan from "./FaultPlan.ts"
export * as Invariants from "./Invariants.ts"
export * as ModelCheck from "./ModelCheck.ts"
export {
  type ModelFlags,
  type ModelSpec,
  type Observation,
  type Operation,
  type Request,
  stopLimitMillis,
  SupervisorModel
} from "./SupervisorModel.ts"
export * as TestTree from "./TestTree.ts"
export * as TreeCheck from "./TreeCheck.ts"
export * as TreeSnapshot from "./TreeSnapshot.ts"

/**
 * `serviceradar-effect/supervision/testing`: trees on the test clock, and faults drawn from seeds for any tree.
 *
 * `TestTree` starts a tree, ends its children by path and compares; `TreeCheck` puts a tree through random faults and says
 * what did not hold, with the seed and the fewest steps that show it.
 */
export * as FaultPlan from "./FaultPlan.ts"
export * as Invariants from "./Invariants.ts"
export * as TestTree from "./TestTree.ts"
export * as TreeCheck from "./TreeCheck.ts"
export * as TreeSnapshot from "./TreeSnapshot.ts"

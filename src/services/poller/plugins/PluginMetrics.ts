/** What becomes of calls of plugins and of their versions; not by plugin, whose names are an operator's. */
import { Metric } from "effect"

/** `busy`: the answer could not wait for its turn, and went on as it was. */
export type CallOutcome = "answered" | "failed" | "timed_out" | "busy"

export type SwapOutcome = "swapped" | "refused" | "rolled_back" | "switched_off"

export const calls = Metric.counter("plugin_calls_total", {
  description: "Answers of agents that a plugin was asked about, by outcome",
  incremental: true
})

export const swaps = Metric.counter("plugin_swaps_total", {
  description: "Versions of plugins that took over, were refused, rolled back or switched off",
  incremental: true
})

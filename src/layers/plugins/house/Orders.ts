/** What an agent and the process of its plugins tell each other: each message is of one thread, by its number. */
import type { Order } from "../Thread.ts"
import type * as ThreadWatch from "./ThreadWatch.ts"

export interface HouseOptions {
  readonly watch: ThreadWatch.Limits
  /** As `nice` has it: how much less its threads get than its own first one, which only passes messages on. */
  readonly givesWayBy: number
}

export type ToHouse =
  | { readonly thread: number; readonly begin: Order }
  | { readonly thread: number; readonly post: unknown }
  | { readonly thread: number; readonly end: true }

export type FromHouse =
  | { readonly thread: number; readonly begun: true }
  | { readonly thread: number; readonly said: unknown }
  | { readonly thread: number; readonly failed: string }
  | { readonly thread: number; readonly ended: string }

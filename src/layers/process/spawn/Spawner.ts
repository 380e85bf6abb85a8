/**
 * Who starts programs here.
 *
 * Node starts one on the thread that asks, which waits until the program's file runs: some milliseconds each time, and more
 * where processors are busy. So a program that has others to answer lets a process of its own start them, see `SpawnHouse`.
 */
import { Context } from "effect"
import * as Program from "./Program.ts"

/** This process, unless told. */
export const Spawner = Context.Reference<Program.Begin>("serviceradar/layers/process/Spawner", {
  defaultValue: () => Program.begin
})

/**
 * The pipelines of the streams, each alone: what stops one stream changes nothing for the others.
 *
 *   Pipeline (one_for_one)
 *   ├─ TELEMETRY … LOGS   permanent: one pipeline per stream
 *   ├─ LagWatch           permanent
 *   └─ Drain              permanent: stopped first, it lets all streams end together
 */
import { Effect } from "effect"
import type { StreamSettings } from "../../domain/events/settings/EventWriterSettings.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import { JointDrain } from "./JointDrain.ts"
import * as LagWatch from "./LagWatch.ts"
import * as StreamPipeline from "./StreamPipeline.ts"

export const tree = (streams: ReadonlyArray<StreamSettings>) => {
  const drain = new JointDrain()
  return {
    id: "Pipeline",
    strategy: "one_for_one",
    intensity: { maxRestarts: 10, period: "60 seconds" },
    children: [
      ...streams.map((settings) => StreamPipeline.child(settings, drain)),
      Supervisor.child({ id: "LagWatch", run: LagWatch.keep() }),
      Supervisor.child({ id: "Drain", shutdown: "8 seconds", start: Effect.as(drain.atEnd, Effect.never) })
    ]
  } as const
}

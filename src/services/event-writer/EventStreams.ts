/**
 * The pipelines of the streams, each alone: what stops one stream changes nothing for the others.
 *
 *   Pipeline (one_for_one)
 *   ├─ TELEMETRY … LOGS   permanent: one pipeline per stream
 *   └─ LagWatch           permanent
 */
import type { StreamSettings } from "../../domain/events/EventWriterSettings.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import * as LagWatch from "./LagWatch.ts"
import * as StreamPipeline from "./StreamPipeline.ts"

export const tree = (streams: ReadonlyArray<StreamSettings>) =>
  ({
    id: "Pipeline",
    strategy: "one_for_one",
    intensity: { maxRestarts: 10, period: "60 seconds" },
    children: [
      ...streams.map(StreamPipeline.child),
      Supervisor.child({ id: "LagWatch", run: LagWatch.keep() })
    ]
  }) as const

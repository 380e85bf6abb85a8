/** Readiness as the standard gRPC health service says it, under a name of its own. */
import { Effect, Schedule } from "effect"
import type * as GrpcHealth from "../grpc/GrpcHealth.ts"
import { Management } from "./Management.ts"
import * as Readiness from "./Readiness.ts"

export const name = "serviceradar.ready"
const every = "2 seconds"

/** Says what `/health/ready` says, whether that is served or not. Never ends. */
export const follow = (health: GrpcHealth.Health) =>
  Management.use(({ registered }) => {
    let said: Readiness.Report["status"] | undefined
    const say = ({ status }: Readiness.Report) => {
      if (status === said) return Effect.void
      said = status
      return health.set(name, status === "ready" ? "SERVING" : "NOT_SERVING")
    }
    return Effect.suspend(() => Readiness.evaluate(registered().checks)).pipe(
      Effect.flatMap(say),
      Effect.repeat(Schedule.spaced(every)),
      Effect.andThen(Effect.never)
    )
  })

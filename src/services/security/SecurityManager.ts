/**
 * The child that keeps a program's certificates fresh, and the one that tells of what happens to them.
 *
 *   SecurityManager  permanent: watches certificates, announces renewed ones
 *   SecurityMonitor  permanent: delivers alerts
 */
import * as Supervisor from "../supervision/Supervisor.ts"
import { Credentials } from "./Credentials.ts"
import { SecurityMonitor } from "./SecurityMonitor.ts"

/** First in a program's tree: what comes after them connects. */
export const children = [
  Supervisor.child({ id: "SecurityManager", run: Credentials.use((credentials) => credentials.keep) }),
  Supervisor.child({ id: "SecurityMonitor", run: SecurityMonitor.use((monitor) => monitor.keep) })
] as const

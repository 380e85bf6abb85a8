/** What a peer may be allowed to do. Each method of a server states the one that it needs. */
import { Schema } from "effect"

export const Permission = Schema.Literals(["read", "write", "poll", "sync", "report", "admin"])
export type Permission = typeof Permission.Type

/**
 * What a method asks of its caller: a permission, or nothing beyond a certificate that verifies, as for health checks,
 * which say nothing that a connection does not say already.
 */
export type Requirement = Permission | "none"

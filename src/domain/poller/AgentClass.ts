/** How an agent is reached: a small fixed set, for labels of metrics. */
import type { SecurityConfig } from "../security/SecurityConfig.ts"

export type AgentClass = "plain" | "mtls" | "spiffe"

const classes = { None: "plain", Mtls: "mtls", Spiffe: "spiffe" } as const satisfies Readonly<
  Record<SecurityConfig["_tag"], AgentClass>
>

export const classOf = ({ _tag }: SecurityConfig): AgentClass => classes[_tag]

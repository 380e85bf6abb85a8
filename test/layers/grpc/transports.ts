/** What carries the calls of a channel: each must keep the same contract. */
export const transports = ["grpc-js", "http2"] as const

export type Transport = (typeof transports)[number]

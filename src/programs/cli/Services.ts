/** The programs that run until they are stopped, each by the name of its command and of its configuration. */
export const services = ["poller", "agent", "core", "event-writer", "sync"] as const

export type Service = typeof services[number]

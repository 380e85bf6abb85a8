/**
 * Entry `serviceradar-effect/jetstream`: a durable consumer of NATS JetStream as a pipeline's producer. Needs
 * `@nats-io/jetstream`.
 */
export * as JetStreamProducer from "./JetStreamProducer.ts"

/**
 * `serviceradar-effect/pipeline/testing`: messages into a running pipeline and their outcomes out of it, without its
 * source; and the contract that every producer keeps.
 */
export { testBatch, testMessage } from "./DummyProducer.ts"
export * as DummyProducer from "./DummyProducer.ts"
export * as ProducerContract from "./ProducerContract.ts"

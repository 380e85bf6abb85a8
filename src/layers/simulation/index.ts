/** Entry `serviceradar-effect/simulation/grpc`: what is made with `serviceradar-effect/grpc` goes over a world's network. */
export { type Carrier, GrpcCarrier } from "../grpc/carrier/GrpcCarrier.ts"
export * as SimulatedGrpc from "./SimulatedGrpc.ts"

/** The stores of ServiceRadar's data service in JetStream, made where they are not there yet. */
import type { JetStreamClient } from "@nats-io/jetstream"
import { type KV, Kvm } from "@nats-io/kv"
import { type ObjectStore, Objm } from "@nats-io/obj"
import { dataServiceBuckets } from "../../domain/inventory/DataServiceBuckets.ts"

export const keys = (js: JetStreamClient): Promise<KV> => new Kvm(js).create(dataServiceBuckets.keys, { history: 1 })

export const objects = (js: JetStreamClient): Promise<ObjectStore> => new Objm(js).create(dataServiceBuckets.objects)

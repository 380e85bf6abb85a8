import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
const nc = await connect(JSON.parse(process.env.NATS_OPTS))
const jsm = await jetstreamManager(nc)
const m = await jsm.streams.getMessage("DLQ", { seq: 1 })
for (const [k, v] of m.header) console.log(k, v)
console.log((await jsm.streams.info("DLQ")).state)
await nc.close()

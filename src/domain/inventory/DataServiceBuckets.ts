/** The JetStream buckets of ServiceRadar's data service: whoever speaks JetStream finds there what its clients do. */
export const dataServiceBuckets = { keys: "serviceradar-datasvc", objects: "serviceradar-objects" } as const

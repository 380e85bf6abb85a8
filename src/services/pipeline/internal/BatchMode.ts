/**
 * How a message joins its batch, as Broadway's batch mode: `bulk` waits for the batch's size or age, `flush` closes the
 * batch at once. A list of messages that a pull answers has one mode.
 */
export type BatchMode = "bulk" | "flush"

const flushing = new WeakSet<ReadonlyArray<unknown>>()

/** Marks a pull's answer: each of its messages closes the batch that it joins. */
export const flush = <In>(messages: ReadonlyArray<In>): ReadonlyArray<In> => {
  flushing.add(messages)
  return messages
}

export const of = (messages: ReadonlyArray<unknown>): BatchMode => flushing.has(messages) ? "flush" : "bulk"

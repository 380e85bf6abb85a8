/**
 * One row of the table of probes: how a kind of check is made, and what an operator has to know of it.
 *
 * `docs/checks.md` is made from these rows, and the command line shows them, so that neither can say anything else than
 * the code does.
 */
import type { Schema } from "effect"
import type { Prepare } from "./Prober.ts"

interface DetailsForm {
  /** What the plain form looks like, in words; empty where there is none. */
  readonly bareForm: string
  /** The keys of the JSON form; without it there is the plain form only. */
  readonly schema?: Pick<Schema.Top, "ast">
}

interface Example {
  readonly details: string
  /** What it asks, as a sentence. */
  readonly about: string
}

/** `Kit` is what probes share on a host: name resolution, limits, programs. */
export interface ProbeKind<Kit> {
  /** The question that the check answers, as a sentence. */
  readonly about: string
  /** What else an operator has to know, as sentences. */
  readonly notes?: string
  readonly details: DetailsForm
  /** Absent where the message is that of somebody else. */
  readonly payload?: Schema.Decoder<unknown>
  readonly examples: ReadonlyArray<Example>
  readonly prepare: (kit: Kit) => Prepare
}

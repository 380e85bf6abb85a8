/** What the processes of the control plane's benchmark say to each other. */
export interface ServerOptions {
  /** Of the database, with its password. */
  readonly url: string
}

export type Question =
  | { readonly _tag: "Start" }
  /** Seconds of CPU that the process has used. */
  | { readonly _tag: "Cpu" }
  /** So many sightings, of devices that are there from `from` on and of new ones after them. */
  | { readonly _tag: "Ingest"; readonly sightings: number; readonly from: number; readonly round: number }

export interface Started {
  readonly address: string
  readonly token: string
}

export interface Ingested {
  readonly seconds: number
  readonly made: number
  readonly changed: number
}

/** Devices of a tenant have these names. */
export const uidOf = (at: number): string => `sr:${String(at).padStart(8, "0")}`
export const vendors = 20

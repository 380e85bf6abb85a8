/**
 * Lists for peers that keep their own copy and ask what has become different.
 *
 * Every element has a `sync_key`; an element with a known key replaces the old one, `sync_removed` removes it. Before
 * the elements stands one that says what they are:
 *
 *   {"sync_answer":"delta","sync_since":"1764400000","sync_sequence":"1764403600","sync_renewed":{"armis":"2026-…"}}
 *
 * After `full` the copy is exactly the elements that follow. After `delta` it is the copy of `sync_since` with them
 * applied; and each source of `sync_renewed` has seen its devices again at that time, so the `timestamp` of all its
 * elements (`devices/<source>/…`) is that one. Core takes neither for devices, as they have no address.
 */
import * as GoJson from "./GoJson.ts"

export interface SectionName {
  readonly source: string
  readonly kind: "devices" | "retractions"
}

const keyOf = ({ kind, source }: SectionName, key: string): string => `${kind}/${encodeURIComponent(source)}/${key}`

export interface Answer {
  /** Undefined for a full list. */
  readonly since: string | undefined
  readonly sequence: string
  /** When each source last had a good run, RFC 3339. */
  readonly renewed: Readonly<Record<string, string>>
}

/** The first element of an answer. */
export const answerJson = ({ renewed, sequence, since }: Answer): string =>
  `{"sync_answer":"${since === undefined ? "full" : "delta"}",` +
  (since === undefined ? "" : `"sync_since":${GoJson.string(since)},`) +
  `"sync_sequence":${GoJson.string(sequence)},"sync_renewed":${GoJson.stringMap(renewed)}}`

/** What comes before the rest of an element's object, whose opening brace is left out. */
export const putPrefix = (section: SectionName, key: string): string =>
  `{"sync_key":${GoJson.string(keyOf(section, key))},`

export const removedJson = (section: SectionName, key: string): string =>
  `{"sync_key":${GoJson.string(keyOf(section, key))},"sync_removed":true}`

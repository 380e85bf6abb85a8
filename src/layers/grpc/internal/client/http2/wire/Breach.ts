/** What a peer did that ends the connection: the code of GOAWAY, and the words for the log. */
export interface Breach {
  readonly code: number
  readonly what: string
}

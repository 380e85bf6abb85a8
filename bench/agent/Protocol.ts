/** What the benchmark asks of the process that plays the poller. */
export interface Check {
  readonly serviceType: string
  readonly serviceName: string
  readonly details: string
  readonly port: number
  /** Whether its time counts. */
  readonly isBad?: boolean
}

export type Question =
  /** Each check once in each interval, spread over it, for so long. */
  | {
    readonly ask: "paced"
    readonly address: string
    readonly checks: ReadonlyArray<Check>
    readonly intervalMillis: number
    readonly seconds: number
  }
  /** As fast as they are answered, each check by itself. */
  | {
    readonly ask: "flat out"
    readonly address: string
    readonly checks: ReadonlyArray<Check>
    readonly seconds: number
  }

export interface Answer {
  readonly calls: number
  readonly failed: number
  readonly unavailable: ReadonlyArray<string>
  /** Of those that count, in milliseconds. */
  readonly tookMillis: ReadonlyArray<number>
  /** When each of them was asked, as `Date.now()` has it, and of which type it is. */
  readonly askedMillis: ReadonlyArray<number>
  readonly types: ReadonlyArray<string>
  /** The longest of each type. */
  readonly longestMillis: Readonly<Record<string, number>>
}

/** Requests over a few connections that stay open, and how long each took. */
import * as http from "node:http"

export interface Asked {
  readonly method: string
  readonly path: string
  readonly body?: object
}

const connections = 4

export class Load {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  readonly #address: string
  readonly #token: string

  constructor(address: string, token: string) {
    this.#address = address
    this.#token = token
  }

  /** The body of the answer; anything but success ends the benchmark. */
  ask({ body, method, path }: Asked): Promise<string> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const request = http.request(`http://${this.#address}${path}`, {
        agent: this.#agent,
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          accept: "application/vnd.api+json",
          ...(text === undefined
            ? {}
            : { "content-type": "application/vnd.api+json", "content-length": Buffer.byteLength(text) })
        }
      }, (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () => {
          const answer = Buffer.concat(chunks).toString("utf8")
          if ((response.statusCode ?? 0) < 300) resolve(answer)
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${answer.slice(0, 500)}`))
        })
        response.on("error", reject)
      })
      request.on("error", reject)
      request.end(text)
    })
  }

  /** Milliseconds of each, so many at once. */
  async times(count: number, atOnce: number, make: (at: number) => Asked): Promise<ReadonlyArray<number>> {
    const times: Array<number> = []
    let next = 0
    const one = async (): Promise<void> => {
      while (next < count) {
        const asked = make(next++)
        const from = performance.now()
        await this.ask(asked)
        times.push(performance.now() - from)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, one))
    return times
  }

  close(): void {
    this.#agent.destroy()
  }
}

export const percentile = (times: ReadonlyArray<number>, share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0

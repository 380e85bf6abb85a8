/** Answers of a provider are read as far as they are reasonable: how long they are is for somebody else to decide. */
import type { CustomFetch } from "openid-client"

const bytesMax = 1024 * 1024

/** As `fetch`, with the whole of the answer, or none. */
export const bounded: CustomFetch = async (url, { body, ...options }) => {
  const response = await fetch(url, body === undefined ? options : { ...options, body })
  const parts: Array<Uint8Array> = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > bytesMax) return Promise.reject(new Error(`its answer is longer than ${bytesMax} bytes`))
    parts.push(part)
  }
  const { headers, status, statusText } = response
  return new Response(parts.length === 0 ? null : Buffer.concat(parts), { headers, status, statusText })
}

/**
 * Who a request may be meant for, on a server that listens on the loopback only.
 *
 * A web page somewhere can let its own name point to 127.0.0.1 and make a browser on this machine ask us in that name
 * (DNS rebinding). So a request on the loopback must name the loopback; a server on other addresses is asked by names
 * that it cannot know, and is protected otherwise.
 */
import * as net from "node:net"

const isLoopbackAddress = (host: string): boolean => host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host)

const isLoopbackName = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || isLoopbackAddress(host)

/** The name without its port and brackets; undefined when it is none. */
const nameOf = (header: string): string | undefined => {
  const url = URL.parse(`http://${header}/`)
  if (url === null || url.username !== "" || url.pathname !== "/" || url.search !== "") return undefined
  return url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "").toLowerCase()
}

/** `bound` is the address that the server listens on, `header` the request's Host, if any. */
export const isAllowed = (bound: string, header: string | undefined): boolean => {
  const isOnLoopback = net.isIP(bound) === 0 ? bound === "localhost" : isLoopbackAddress(bound)
  if (!isOnLoopback || header === undefined) return true
  const name = nameOf(header)
  return name !== undefined && isLoopbackName(name)
}

/**
 * Tells when an established connection breaks, also while nothing is asked.
 *
 * A watch lasts as long as its channel, because grpc-js has no way to take one back. It keeps the channel as it is: an
 * idle one does not connect for it.
 */
import * as grpc from "@grpc/grpc-js"
import type { AnyChannel } from "../grpc/GrpcChannel.ts"

export const watch = (channel: AnyChannel, onLoss: () => void): void => {
  if ("calls" in channel) return channel.onLoss(onLoss)
  if (channel.http2 !== undefined) return channel.http2.connection.onLoss(onLoss)
  const { READY, SHUTDOWN } = grpc.connectivityState
  const present = () => {
    const connection = channel.client.getChannel()
    const next = (before: grpc.connectivityState) => {
      connection.watchConnectivityState(before, Infinity, () => {
        const state = connection.getConnectivityState(false)
        // One that another has replaced is not lost.
        if (state === SHUTDOWN && !channel.isClosed()) return present()
        if (before === READY) onLoss()
        if (state !== SHUTDOWN) next(state)
      })
    }
    next(connection.getConnectivityState(false))
  }
  present()
}

/**
 * Channel credentials whose certificate is the present one at each new connection.
 */
import * as grpc from "@grpc/grpc-js"

type CreateConnector = grpc.ChannelCredentials["_createSecureConnector"]

/** `present` fails with an error that says why there is nothing to connect with. */
export class RotatingChannel extends grpc.ChannelCredentials {
  readonly #present: () => grpc.ChannelCredentials

  constructor(present: () => grpc.ChannelCredentials) {
    super()
    this.#present = present
  }

  override _isSecure(): boolean {
    return true
  }

  override _equals(other: grpc.ChannelCredentials): boolean {
    return this === other
  }

  override _createSecureConnector(...args: Parameters<CreateConnector>): ReturnType<CreateConnector> {
    const connector = () => this.#present()._createSecureConnector(...args)
    return {
      // grpc-js takes what is thrown here for the reason why there is no connection.
      connect: async (socket) => connector().connect(socket),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => args[2] ?? grpc.CallCredentials.createEmpty(),
      destroy: () => {}
    }
  }
}

/** What a peer did that ends the connection: the code of GOAWAY, and the words for the log. */
import { constants } from "node:http2"

export interface Breach {
  readonly code: number
  readonly what: string
}

export const protocol = (what: string): Breach => ({ code: constants.NGHTTP2_PROTOCOL_ERROR, what })

export const frameSize = (what: string): Breach => ({ code: constants.NGHTTP2_FRAME_SIZE_ERROR, what })

export const flowControl = (what: string): Breach => ({ code: constants.NGHTTP2_FLOW_CONTROL_ERROR, what })

export const calm = (what: string): Breach => ({ code: constants.NGHTTP2_ENHANCE_YOUR_CALM, what })

/** What is said of no call that there ever was. */
export const ofNoCall: Breach = protocol("a frame of a call that never was")

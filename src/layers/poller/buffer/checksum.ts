import { crc32 } from "node:zlib"
import type { Checksum } from "../../../domain/poller/segments/SegmentFormat.ts"

export const checksum: Checksum = (bytes, from) => crc32(bytes, from)

/** The devices that an agent streams. */

export const devicesPerChunk = 1_000

/** A JSON document of its own. */
export const chunk = (index: number): Buffer =>
  Buffer.from(JSON.stringify(Array.from({ length: devicesPerChunk }, (_, place) => {
    const number = index * devicesPerChunk + place
    const ip = `10.${number >> 16 & 255}.${number >> 8 & 255}.${number & 255}`
    return {
      device_id: `default:${ip}`,
      ip,
      hostname: `device-${number}.example.org`,
      mac: `00:11:22:${[16, 8, 0].map((shift) => (number >> shift & 255).toString(16).padStart(2, "0")).join(":")}`,
      source: "armis",
      is_available: number % 7 !== 0,
      timestamp: "2026-11-29T12:00:00Z",
      metadata: { integration_type: "armis", integration_id: String(number), boundary: "Corporate", risk: "low" }
    }
  })))

/** CRC16/XMODEM, by which Redis Cluster assigns keys: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ */
function crc16(text: string): number {
  let crc = 0
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  }
  return crc
}

function slotOf(key: string): number {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open + 1)
  return crc16(close > open + 1 ? key.slice(open + 1, close) : key) % 16_384
}

/** Keys by the slot that they have with the client's own prefix before them. */
export function slotsOf(keys: string[], prefix: string): string[][] {
  const slots = new Map<number, string[]>()
  for (const key of keys) {
    const slot = slotOf(prefix + key)
    const members = slots.get(slot)
    if (members) members.push(key)
    else slots.set(slot, [key])
  }
  return [...slots.values()]
}

// The parts of CBOR (RFC 8949) that compound values are written in: definite lengths, no tags.

/** Reads one value; what is left over is an error. */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value();
  if (reader.at !== bytes.length) throw new Error(`${bytes.length - reader.at} bytes left over`);
  return value;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  value() {
    const first = this.bytes[this.at++];
    const [major, info] = [first >> 5, first & 31];
    if (major === 7) return this.simple(info);
    const length = this.number(info);
    const many = (what) => Array.from({ length }, what);
    switch (major) {
      case 0: return length;
      case 1: return -1 - length;
      case 2: return Buffer.from(this.take(length)).toString("hex");
      case 3: return new TextDecoder("utf-8", { fatal: true }).decode(this.take(length));
      case 4: return many(() => this.value());
      case 5: return Object.fromEntries(many(() => [this.value(), this.value()]));
      default: throw new Error(`major type ${major}`);
    }
  }

  number(info) {
    if (info < 24) return info;
    const start = this.at;
    this.at += 1 << (info - 24);
    switch (info) {
      case 24: return this.view.getUint8(start);
      case 25: return this.view.getUint16(start);
      case 26: return this.view.getUint32(start);
      case 27: return Number(this.view.getBigUint64(start));
      default: throw new Error(`length ${info}`);
    }
  }

  simple(info) {
    const known = { 20: false, 21: true, 22: null };
    if (!(info in known)) throw new Error(`simple value ${info}`);
    return known[info];
  }

  take(length) {
    return this.bytes.subarray(this.at, (this.at += length));
  }
}

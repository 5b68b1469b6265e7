// Matrix files: "VEC1", u32 element type, u32 rows, u32 columns, then the elements row by row, little-endian.
import fs from 'node:fs';

const HEADER = 16;
const F32 = 3;
const I32 = 4;

/** A matrix of singles, read in pieces. */
export class VectorFile {
  constructor(path) {
    this.handle = fs.openSync(path, 'r');
    const header = Buffer.alloc(HEADER);
    fs.readSync(this.handle, header, 0, HEADER, 0);
    if (header.toString('latin1', 0, 4) !== 'VEC1' || header.readUInt32LE(4) !== F32) throw new Error(`${path} is no VEC1 matrix of singles`);
    this.rows = header.readUInt32LE(8);
    this.columns = header.readUInt32LE(12);
  }

  /** Rows first .. first + count - 1 as one array, freshly allocated. */
  read(first, count) {
    const values = new Float32Array(count * this.columns);
    const bytes = new Uint8Array(values.buffer);
    const start = HEADER + first * this.columns * 4;
    for (let done = 0; done < bytes.length;) {
      const got = fs.readSync(this.handle, bytes, done, Math.min(bytes.length - done, 1 << 28), start + done);
      if (got === 0) throw new Error('the file is shorter than its header says');
      done += got;
    }
    return values;
  }

  /** Calls back with pieces of at most `size` rows: (first, count, values). */
  async forEachPiece(size, use) {
    for (let first = 0; first < this.rows; first += size) {
      const count = Math.min(size, this.rows - first);
      await use(first, count, this.read(first, count));
    }
  }
}

export function writeIntegers(path, rows, columns, values) { write(path, I32, rows, columns, Int32Array.from(values)); }

export function writeSingles(path, rows, columns, values) { write(path, F32, rows, columns, Float32Array.from(values)); }

function write(path, type, rows, columns, values) {
  const header = Buffer.alloc(HEADER);
  header.write('VEC1', 'latin1');
  [type, rows, columns].forEach((n, i) => header.writeUInt32LE(n, 4 + 4 * i));
  fs.writeFileSync(path, Buffer.concat([header, Buffer.from(values.buffer)]));
}

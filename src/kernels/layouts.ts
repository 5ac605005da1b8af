/**
 * How an s8 weight matrix lies in memory for each product kernel: plain arrays to plain arrays.
 *
 * Input is tfjs' layout, w[input][output], outputs and inputs padded here with zeros to what the
 * kernels want. Every layout of the same matrix gives the same sums.
 */

/** dense: all blocks of 4 x 4. 4x4 and 1x4: the blocks that are not all zero. 4of16: see the kernel. */
export type LayoutName = "dense" | "4x4" | "1x4" | "4of16";

/** Blocks of a sparse layout: row r's are starts[r] to starts[r + 1], each reads inputs 4 col to 4 col + 3. */
export interface Blocks {
  readonly values: Int8Array;
  readonly cols: Uint16Array;
  readonly starts: Int32Array;
}

export interface Lanes {
  readonly values: Int8Array;
  readonly lanes: Uint8Array;
}

/** Outputs of a block. */
export type BlockRows = 1 | 4 | 16;

/** Groups of 4, the last one padded. */
export const groupsOf4 = (n: number): number => Math.ceil(n / 4);
export const groupsOf16 = (n: number): number => Math.ceil(n / 16);

/**
 * Blocks of `rows` outputs x 4 inputs, in order of output then input.
 *
 * @param w s8[inputs * outputs]
 * @param rows outputs a block
 * @param keepAll keeps the blocks of zeros too: a dense matrix
 * @param multiple pads each row with zero blocks that read group 0 to a multiple of this many
 */
export function packBlocks(
  w: Int8Array,
  inputs: number,
  outputs: number,
  rows: BlockRows,
  keepAll = false,
  multiple = 1,
): Blocks {
  const k4 = groupsOf4(inputs);
  const counts = keepAll ? null : countBlocks(w, inputs, outputs, rows);
  const groups = rowsOfBlocks(outputs, rows);
  const starts = new Int32Array(groups + 1);
  for (let group = 0; group < groups; group++) {
    starts[group + 1] = starts[group] + Math.ceil((counts ? counts[group] : k4) / multiple) * multiple;
  }
  const size = rows * 4;
  const values = new Int8Array(starts[groups] * size);
  const cols = new Uint16Array(starts[groups]);
  for (let group = 0; group < groups; group++) {
    let at = starts[group];
    for (let k = 0; k < k4; k++) {
      let any = 0;
      for (let i = 0; i < size; i++) {
        const output = group * rows + (i >> 2);
        const input = k * 4 + (i & 3);
        const weight = output < outputs && input < inputs ? w[input * outputs + output] : 0;
        // A block of zeros leaves its zeros behind, and the next one is written over it.
        if (at < cols.length) values[at * size + i] = weight;
        any |= weight;
      }
      if (any === 0 && !keepAll) continue;
      cols[at] = k;
      at += 1;
    }
  }
  return { values, cols, starts };
}

/** Blocks in an order in which those that have room for each other's products in i16 are side by side. */
export interface RunBlocks extends Blocks {
  /** Of each row, the end of its pairs, behind which there are single blocks; -1 for a row that is in runs. */
  readonly pairs: Int32Array;
  /** Of each row in runs in turn the ends of those, the longest first. All are counted from the first block of all. */
  readonly runs: Int32Array;
}

// 127 times it fits i16.
const ROOM = 258;
// Of a row with few that fit, as one of large weights alone, not all have to be asked.
const PARTNERS = 64;
// Runs that are shorter in the mean are worse than pairs (Zen 4: 2.9 blocks -8 %, 3.4 +2 %, 5.5 +13 %).
const LONG = 3.2;

/**
 * Puts blocks in runs whose products can be added in i16: in each half of four weights (two inputs of an output)
 * the positive weights of the run add up to at most 258, and so do the negative ones, as no input is negative. The
 * block with the largest sum takes the smallest that fit.
 *
 * @param most blocks of a run; in rows where runs turn out short, 2
 */
export function runBlocks({ values, cols, starts }: Blocks, rows: BlockRows, most: number): RunBlocks {
  const size = rows * 4;
  // In the places of each half: what its positive weights add up to, and its negative ones.
  const sums = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) sums[(i & ~1) + (values[i] >>> 31)] += Math.abs(values[i]);
  const order: number[] = [];
  const ends: number[] = [];
  const pairs = new Int32Array(starts.length - 1);
  for (let row = 0; row < pairs.length; row++) {
    const [start, end] = [starts[row], starts[row + 1]];
    let runs = runsOf(sums, size, start, end, most);
    const isLong = runs.length * LONG < end - start;
    if (most > 2 && !isLong) runs = runsOf(sums, size, start, end, 2);
    const paired = runs.filter(({ length }) => length === 2).length * 2;
    pairs[row] = isLong ? -1 : start + paired;
    for (const run of runs.sort((a, b) => b.length - a.length)) {
      order.push(...run);
      if (isLong) ends.push(order.length);
    }
  }
  const moved = new Int8Array(values.length);
  order.forEach((block, to) => {
    moved.set(values.subarray(block * size, (block + 1) * size), to * size);
  });
  const movedCols = Uint16Array.from(order, (block) => cols[block]);
  return { values: moved, cols: movedCols, starts, pairs, runs: Int32Array.from(ends) };
}

/**
 * Rows of blocks as u7_s8w_spmm_1x4 and u7_s8w_spmm_4x4 read them (see there).
 *
 * @param size outputs a block
 * @param offsetOf bytes from a tile to what a column reads
 * @param bias as many as there are outputs, in whole groups of `size`
 * @param mult the bits of f32 multipliers
 */
export function packRows(
  { values, cols, starts, pairs, runs }: RunBlocks,
  size: number,
  offsetOf: (col: number) => number,
  bias: Int32Array,
  mult: Int32Array,
): Int32Array {
  const weights = new Int32Array(values.buffer, 0, cols.length * size);
  const groups = bias.length / size;
  const rows = new Int32Array(groups * (2 * size + 2) + weights.length + cols.length + runs.length);
  let at = 0;
  const put = (words: Int32Array, from: number) => {
    for (let i = from; i < from + size; i++) rows[at++] = words[i];
  };
  let run = 0;
  for (let group = 0; group < groups; group++) {
    put(bias, group * size);
    const [start, end, paired] = [starts[group], starts[group + 1], pairs[group]];
    rows[at] = paired < 0 ? paired : (paired - start) * (size + 1) * 4;
    const first = at + 2;
    at = first;
    let stop = paired < 0 ? start : end;
    for (let block = start; block < end; block++) {
      if (block === stop) {
        stop = runs[run++];
        rows[at++] = (stop - block) * (size + 1) * 4;
      }
      put(weights, block * size);
      rows[at++] = offsetOf(cols[block]);
    }
    rows[first - 1] = (at - first) * 4;
    put(mult, group * size);
  }
  return rows;
}

/** The runs of one row. */
function runsOf(sums: Uint16Array, size: number, start: number, end: number, most: number): number[][] {
  // Sorted as numbers, which is quick; a row has fewer than 2^16 blocks.
  const keys = new Uint32Array(end - start);
  for (let i = 0; i < keys.length; i++) {
    let largest = 0;
    for (let at = (start + i) * size, next = at + size; at < next; at++)
      largest = Math.max(largest, sums[at]);
    keys[i] = (largest << 16) + i;
  }
  const free = Array.from(keys.sort(), (key) => start + (key & 0xffff));
  const total = new Uint16Array(size);
  const fits = (from: number) => {
    for (let i = 0; i < size; i++) if (total[i] + sums[from + i] > ROOM) return false;
    return true;
  };
  const add = (from: number) => {
    for (let i = 0; i < size; i++) total[i] += sums[from + i];
  };
  const runs: number[][] = [];
  for (let block = free.pop(); block !== undefined; block = free.pop()) {
    const run = [block];
    total.fill(0);
    add(block * size);
    for (let at = 0; run.length < most && at < free.length && at < PARTNERS; ) {
      const other = free[at] * size;
      if (fits(other)) {
        add(other);
        run.push(...free.splice(at, 1));
      } else {
        at += 1;
      }
    }
    runs.push(run);
  }
  return runs;
}

function rowsOfBlocks(outputs: number, rows: BlockRows): number {
  return rows === 16 ? groupsOf16(outputs) : groupsOf4(outputs) * (4 / rows);
}

/** How many blocks of each row of blocks hold a weight that is not 0. */
export function countBlocks(w: Int8Array, inputs: number, outputs: number, rows: BlockRows): Int32Array {
  const counts = new Int32Array(rowsOfBlocks(outputs, rows));
  const last = new Int32Array(counts.length).fill(-1);
  for (let input = 0; input < inputs; input++) {
    const k = input >> 2;
    for (let output = 0; output < outputs; output++) {
      if (w[input * outputs + output] === 0) continue;
      const group = Math.floor(output / rows);
      if (last[group] === k) continue;
      last[group] = k;
      counts[group] += 1;
    }
  }
  return counts;
}

/**
 * At most 4 weights of every 16 inputs, with the place of each.
 *
 * @returns null where some output has more than 4 weights that are not zero in a group of 16
 */
export function pack4of16(w: Int8Array, inputs: number, outputs: number): Lanes | null {
  const k16 = groupsOf16(inputs);
  const n4 = groupsOf4(outputs);
  const values = new Int8Array(n4 * k16 * 16);
  const lanes = new Uint8Array(n4 * k16 * 16);
  for (let output = 0; output < outputs; output++) {
    for (let k = 0; k < k16; k++) {
      let at = (((output >> 2) * k16 + k) * 4 + (output & 3)) * 4;
      const end = at + 4;
      for (let lane = 0; lane < 16 && k * 16 + lane < inputs; lane++) {
        const weight = w[(k * 16 + lane) * outputs + output];
        if (weight === 0) continue;
        if (at === end) return null;
        values[at] = weight;
        lanes[at] = lane;
        at += 1;
      }
    }
  }
  return { values, lanes };
}

/** Rows of an f32 matrix without its zeros: row = output. */
export interface Csr {
  readonly values: Float32Array;
  readonly cols: Int32Array;
  readonly starts: Int32Array;
}

/** @param w f32[inputs][outputs] */
export function packCsr(w: Float32Array, inputs: number, outputs: number): Csr {
  const starts = new Int32Array(outputs + 1);
  const count = w.reduce((sum, value) => sum + (value !== 0 ? 1 : 0), 0);
  const values = new Float32Array(count);
  const cols = new Int32Array(count);
  let at = 0;
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      const value = w[input * outputs + output];
      // NaN is not 0 and stays
      if (value === 0) continue;
      values[at] = value;
      cols[at] = input;
      at += 1;
    }
    starts[output + 1] = at;
  }
  return { values, cols, starts };
}

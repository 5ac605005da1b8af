/** Where each buffer of a plan lies: buffers that never live at the same time share bytes. */

/** Bytes that steps read and write; it gets its address when the whole plan is known. */
export interface Buffer {
  readonly bytes: number;
}

export interface Step {
  /** The node and the kernel it is for. */
  readonly label: string;
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
  /** The call itself, once the buffers have their addresses. */
  bind(at: (buffer: Buffer) => number): () => void;
}

const ALIGNMENT = 64;
/** Kernels read and write up to this much past the end of a buffer. */
const SLACK = 64;

export interface Placement {
  readonly offsets: ReadonlyMap<Buffer, number>;
  readonly bytes: number;
}

/**
 * Offsets of all buffers in one arena: largest first, each at the lowest offset where no buffer
 * that lives at the same time is (greedy by size, Pisarchyk and Lee, 2020).
 *
 * @param pinned buffers that live from the first step to the last: inputs, outputs, values asked for
 */
export function placeBuffers(steps: readonly Step[], pinned: readonly Buffer[]): Placement {
  const lives = lifetimes(steps, pinned);
  const order = [...lives.keys()].sort((a, b) => b.bytes - a.bytes);
  const placed: { buffer: Buffer; offset: number; end: number }[] = [];
  for (const buffer of order) {
    const [first, last] = lives.get(buffer) as [number, number];
    const rivals = placed
      .filter((other) => {
        const [start, stop] = lives.get(other.buffer) as [number, number];
        return start <= last && first <= stop;
      })
      .sort((a, b) => a.offset - b.offset);
    const size = Math.ceil((buffer.bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
    let offset = 0;
    for (const rival of rivals) {
      if (rival.offset - offset >= size) break;
      offset = Math.max(offset, rival.end);
    }
    placed.push({ buffer, offset, end: offset + size });
  }
  return {
    offsets: new Map(placed.map(({ buffer, offset }) => [buffer, offset])),
    bytes: placed.reduce((most, { end }) => Math.max(most, end), 0),
  };
}

function lifetimes(steps: readonly Step[], pinned: readonly Buffer[]): Map<Buffer, [number, number]> {
  const lives = new Map<Buffer, [number, number]>();
  steps.forEach((step, at) => {
    for (const buffer of [...step.reads, ...step.writes]) {
      const life = lives.get(buffer);
      if (life) life[1] = at;
      else lives.set(buffer, [at, at]);
    }
  });
  for (const buffer of pinned) lives.set(buffer, [0, steps.length]);
  return lives;
}

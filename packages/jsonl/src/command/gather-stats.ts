/** Sizes are counted in steps of a sixteenth, so that any number of records fits in little memory. */
const stepsPerDoubling = 16;
/** Names beyond these are only counted, as a file may use names for data. */
const maxNames = 1000;

/** What is known of the records of a file. */
export interface RecordStats {
  readonly recordBytes: {
    readonly smallest: number;
    readonly median: number;
    readonly p99: number;
    readonly largest: number;
  };
  /** How many records have each top-level name, most frequent first. */
  readonly names: readonly { readonly name: string; readonly records: number }[];
  /** How many names there are beyond those listed. */
  readonly otherNames: number;
}

export interface StatsGatherer {
  add(value: unknown, bytes: number): void;
  result(): RecordStats | undefined;
}

export function createStatsGatherer(): StatsGatherer {
  const sizes = new Map<number, number>();
  const names = new Map<string, number>();
  const others = new Set<string>();
  let records = 0;
  let smallest = Infinity;
  let largest = 0;

  /** The size that this share of the records does not exceed, to a sixteenth of a doubling. */
  const quantile = (share: number): number => {
    let left = Math.ceil(records * share);
    for (const [step, count] of [...sizes].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return Math.min(largest, Math.round(2 ** (step / stepsPerDoubling)));
    }
    return largest;
  };

  return {
    add(value, bytes) {
      records += 1;
      smallest = Math.min(smallest, bytes);
      largest = Math.max(largest, bytes);
      const step = Math.ceil(Math.log2(Math.max(1, bytes)) * stepsPerDoubling);
      sizes.set(step, (sizes.get(step) ?? 0) + 1);
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
      for (const name of Object.keys(value)) {
        const known = names.get(name);
        if (known !== undefined) names.set(name, known + 1);
        else if (names.size < maxNames) names.set(name, 1);
        else if (others.size < maxNames) others.add(name);
      }
    },
    result() {
      if (records === 0) return undefined;
      return {
        recordBytes: { smallest, median: quantile(0.5), p99: quantile(0.99), largest },
        names: [...names]
          .sort(([, a], [, b]) => b - a)
          .map(([name, count]) => ({ name, records: count })),
        otherNames: others.size,
      };
    },
  };
}

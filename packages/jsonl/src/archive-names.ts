/** A file that was rotated: `events.jsonl.000001`, the oldest first; with `.gz` when compressed. */
export interface Archive {
  readonly name: string;
  readonly number: number;
  readonly compressed: boolean;
}

/** Six digits, so that names sort as numbers do. */
export function archiveName(base: string, number: number): string {
  return `${base}.${String(number).padStart(6, '0')}`;
}

/** The rotated files of `base` among the names of a directory, the oldest first. */
export function archivesIn(names: readonly string[], base: string): Archive[] {
  const archives: Archive[] = [];
  for (const name of names) {
    if (!name.startsWith(`${base}.`)) continue;
    const [, digits, gz] = /^(\d{6,})(\.gz)?$/.exec(name.slice(base.length + 1)) ?? [];
    if (digits === undefined) continue;
    archives.push({ name, number: Number(digits), compressed: gz !== undefined });
  }
  return archives.sort(
    (a, b) => a.number - b.number || Number(b.compressed) - Number(a.compressed),
  );
}

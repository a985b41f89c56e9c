/** A file that was rotated: `events.jsonl.000001`, the oldest first; with `.gz` when compressed. */
export interface Archive {
  readonly name: string;
  readonly number: number;
  readonly compressed: boolean;
}

/**
 * What follows the name of the file: six digits, and seven only from a million on. Names with other digits are
 * not ours: a date (`events.jsonl.20260101`), say, or seconds since 1970.
 */
const numbered = String.raw`(\d{6}|[1-9]\d{6})`;
const archivePattern = new RegExp(`^${numbered}(\\.gz)?$`);
const partialPattern = new RegExp(`^${numbered}\\.gz\\.(.+)~[^~]+\\.partial$`);

/** Six digits, so that names sort as numbers do. */
export function archiveName(base: string, number: number): string {
  return `${base}.${String(number).padStart(6, '0')}`;
}

/**
 * The rotated files of `base` among the names of a directory, the oldest first. Where one is there twice, the one
 * that is not compressed comes first: it is whole, and the other may be in the making, by whomever.
 */
export function archivesIn(names: readonly string[], base: string): Archive[] {
  const archives: Archive[] = [];
  for (const name of names) {
    if (!name.startsWith(`${base}.`)) continue;
    const [, digits, gz] = archivePattern.exec(name.slice(base.length + 1)) ?? [];
    if (digits === undefined) continue;
    archives.push({ name, number: Number(digits), compressed: gz !== undefined });
  }
  return archives.sort(
    (a, b) => a.number - b.number || Number(a.compressed) - Number(b.compressed),
  );
}

/**
 * The name under which a rotated file is compressed until that is done: it says which process does it,
 * and the last part tells the tries of one process apart.
 */
export function partialName(archive: string, sign: string, random: string): string {
  return `${archive}.gz.${sign}~${random}.partial`;
}

/** What was begun to be compressed of the rotated files of `base`, with the sign of who began it. */
export function partialsIn(
  names: readonly string[],
  base: string,
): { readonly name: string; readonly sign: string }[] {
  const partials: { name: string; sign: string }[] = [];
  for (const name of names) {
    if (!name.startsWith(`${base}.`)) continue;
    const [, , sign] = partialPattern.exec(name.slice(base.length + 1)) ?? [];
    if (sign !== undefined) partials.push({ name, sign });
  }
  return partials;
}

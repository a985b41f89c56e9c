import { formatPath, isUnder, type Path } from './path.js';
import { createAligner } from './align-offset.js';
import type { SourceText, Spot } from './source-text.js';

/** How a value was written. */
export type Style = 'plain' | 'single' | 'double' | 'block' | 'collection';

/** Where one value stands in its file, as offsets. */
export interface Place {
  readonly key: number | undefined;
  readonly start: number;
  readonly end: number;
  readonly style: Style;
}

/** Where each part of a parsed document stands. A path that is not there answers for its nearest parent. */
export interface Locations {
  /** The key of a mapping entry; for a list item, the item. */
  readonly key: (path: Path) => Spot;
  readonly value: (path: Path) => Spot;
  /** The character of a string value at `offset`, wherever quoting and folding put it. */
  readonly inside: (path: Path, text: string, offset: number) => Spot;
  /** The value as written, quotes and all. */
  readonly written: (path: Path) => string;
  readonly style: (path: Path) => Style | undefined;
  readonly place: (path: Path) => { readonly place: Place; readonly source: SourceText };
}

export function createLocations(source: SourceText, places: ReadonlyMap<string, Place>): Locations {
  const root: Place = { key: undefined, start: 0, end: source.text.length, style: 'collection' };
  return fromLookup((path) => {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(formatPath(path.slice(0, length)));
      if (place) return { place, source, exact: length === path.length };
    }
    return { place: places.get('') ?? root, source, exact: path.length === 0 };
  });
}

/** Locations of a document into which parts of other documents were merged at `prefix`. */
export function overlayLocations(
  base: Locations,
  overlays: readonly { readonly prefix: Path; readonly locations: Locations }[],
): Locations {
  const choose = (path: Path): Locations =>
    overlays.find((overlay) => isUnder(path, overlay.prefix))?.locations ?? base;
  return {
    key: (path) => choose(path).key(path),
    value: (path) => choose(path).value(path),
    inside: (path, text, offset) => choose(path).inside(path, text, offset),
    written: (path) => choose(path).written(path),
    style: (path) => choose(path).style(path),
    place: (path) => choose(path).place(path),
  };
}

type Lookup = (path: Path) => {
  readonly place: Place;
  readonly source: SourceText;
  readonly exact: boolean;
};

function fromLookup(lookup: Lookup): Locations {
  // References of one text are located one after the other.
  let last: { place: Place; text: string; align: (offset: number) => number } | undefined;
  return {
    key: (path) => {
      const { place, source } = lookup(path);
      return source.spotAt(place.key ?? place.start);
    },
    value: (path) => {
      const { place, source, exact } = lookup(path);
      return source.spotAt(exact ? place.start : (place.key ?? place.start));
    },
    inside: (path, text, offset) => {
      const { place, source, exact } = lookup(path);
      if (!exact || place.style === 'collection') return source.spotAt(place.start);
      if (last?.place !== place || last.text !== text) {
        const written = source.text.slice(place.start, place.end);
        last = { place, text, align: createAligner(written, place.style, text) };
      }
      return source.spotAt(place.start + last.align(offset));
    },
    written: (path) => {
      const { place, source, exact } = lookup(path);
      return exact ? source.text.slice(place.start, place.end) : '';
    },
    style: (path) => {
      const { place, exact } = lookup(path);
      return exact ? place.style : undefined;
    },
    place: lookup,
  };
}

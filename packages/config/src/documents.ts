import { problemAt, type Document, type Locate } from './document.js';
import { expandDocument } from './expand-document.js';
import type { Lookup } from './expand.js';
import { isObject, type JsonObject } from './json.js';
import {
  loadParsers,
  positionAt,
  type DocumentParser,
  type ParsedDocument,
} from './parse/parse-document.js';
import type { Finding, Problem } from './problem.js';
import { createFileReader } from './read-file.js';
import { readSources, readValue, type Found } from './read-sources.js';
import type { SettingPath } from './setting-path.js';
import type { Format, Source, Tier } from './source.js';

export interface DocumentOptions {
  readonly tiers: readonly Tier[];
  readonly sources: readonly Source[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly maxBytes: number;
  /** `off`: variables are text. */
  readonly variables: 'fill' | 'off';
  readonly literal: ReadonlySet<string>;
  readonly duplicates: 'fault' | 'last';
  readonly badFiles: (tier: string) => 'refuse' | 'drop';
  readonly admit: Admit | undefined;
}

/**
 * Looks at what a source says. `value`: what counts of it, undefined for nothing. `findings`: what was mended
 * or dropped, as warnings.
 */
export type Admit = (
  value: JsonObject,
  tier: string,
) => {
  readonly value: JsonObject | undefined;
  /** Where in the source the value stands. Default: at the top. */
  readonly at?: SettingPath;
  readonly findings: readonly { readonly path: SettingPath; readonly message: string }[];
};

export interface ReadDocuments {
  /** Low to high. */
  readonly documents: readonly Document[];
  readonly problems: readonly Problem[];
}

/** A text and what was made of it. */
interface Known {
  readonly text: string;
  readonly document: ParsedDocument;
  /** The same object for the same text, so that what is made of documents can be kept too. */
  made?: Document;
}

/** Reads sources again and again; a text that has not changed is not parsed again. */
export function createDocumentReader(options: DocumentOptions): () => Promise<ReadDocuments> {
  const tiers = new Map(options.tiers.map((tier) => [tier.name, tier]));
  const order = [...tiers.keys()];
  const sources = [...options.sources].sort(
    (left, right) => order.indexOf(left.tier) - order.indexOf(right.tier),
  );
  const parsed = new Map<string, Known>();
  const badly = (finding: Finding, tier: string): Finding =>
    options.badFiles(tier) === 'drop' ? { ...finding, severity: 'warning' } : finding;
  const readFile = createFileReader();
  const loaded = new Set<Format>();
  let parse: DocumentParser | undefined;

  async function parserFor(found: readonly Found[]): Promise<DocumentParser> {
    const before = loaded.size;
    for (const one of found) if (one.kind === 'file') loaded.add(one.format);
    if (parse === undefined || loaded.size > before) parse = await loadParsers(loaded);
    return parse;
  }

  function parseText(file: string, text: string, format: Format, parser: DocumentParser): Known {
    const before = parsed.get(file);
    if (before?.text === text) return before;
    const known: Known = { text, document: parser(text, format, options.duplicates) };
    parsed.set(file, known);
    return known;
  }

  return async () => {
    const problems: Problem[] = [];
    const documents: Document[] = [];
    const found = readSources(sources, options.maxBytes, readFile);
    const parser = await parserFor(found);
    for (const one of found) {
      const place = { tier: tiers.get(one.tier) as Tier, source: one.source };
      const document = toDocument(one, place, parser);
      const admitted = document && options.admit ? admit(document, options.admit) : document;
      if (admitted) documents.push(admitted);
    }
    return { documents, problems };

    function toDocument(
      one: Found,
      place: Pick<Document, 'tier' | 'source'>,
      parser: DocumentParser,
    ): Document | undefined {
      if (one.kind === 'fault') {
        problems.push(problemAt(place, undefined, [], badly(one.finding, one.tier)));
        return undefined;
      }
      if (one.kind === 'value') {
        const { value, faults } = readValue(one.given);
        for (const { path, finding } of faults) {
          problems.push(problemAt(place, undefined, path, badly(finding, one.tier)));
        }
        if (faults.length > 0 || !isObject(value)) return undefined;
        return { ...place, value, locate: () => undefined };
      }
      const { read, format } = one;
      if ('absent' in read) return undefined;
      if ('finding' in read) {
        const { before, finding } = read;
        const position = before === undefined ? undefined : positionAt(before, before.length);
        problems.push(problemAt(place, position, [], badly(finding, one.tier)));
        return undefined;
      }
      const known = parseText(one.source, read.text, format, parser);
      const { value, locate, findings } = known.document;
      for (const { path, position, finding } of findings) {
        problems.push(problemAt(place, position, path, badly(finding, one.tier)));
      }
      if (findings.length > 0) return undefined;
      if (known.made?.tier !== place.tier) known.made = { ...place, value, locate };
      const document = known.made;
      return options.variables === 'off' || !read.text.includes('${') ? document : fill(document);
    }

    function admit(document: Document, look: Admit): Document | undefined {
      const { value, at = [], findings } = look(document.value, document.tier.name);
      for (const { path, message } of findings) {
        const finding = { code: 'ORCH_CONFIG_DROPPED', severity: 'warning', message } as const;
        problems.push(problemAt(document, document.locate(path, 'value'), path, finding));
      }
      const locate: Locate = (path, what) => document.locate([...at, ...path], what);
      return value && { ...document, value, locate };
    }

    function fill(document: Document): Document {
      const lookup = lookupFor(document.tier, options.environment);
      const { literal } = options;
      const value = expandDocument(document.value, { lookup, literal }, (path, finding) => {
        problems.push(problemAt(document, document.locate(path, 'value'), path, finding));
      });
      return { ...document, value };
    }
  };
}

function lookupFor(tier: Tier, environment: DocumentOptions['environment']): Lookup {
  const names = tier.variables ?? (tier.trusted === false ? [] : undefined);
  return (name) => {
    if (names !== undefined && !names.includes(name)) return { refused: true };
    return { value: Object.hasOwn(environment, name) ? environment[name] : undefined };
  };
}

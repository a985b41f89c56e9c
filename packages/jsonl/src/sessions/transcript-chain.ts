import { asText } from './token-counts.js';

/** A line of a transcript whose place in the conversation does not hold. */
export interface BrokenLink {
  /**
   * `missing_parent`: the line goes on from one that is not in the file. `later_parent`: from one that
   * stands after it. `repeated`: the same line stands in the file twice. `other_session`: the line is of
   * another conversation.
   */
  readonly kind: 'missing_parent' | 'later_parent' | 'repeated' | 'other_session';
  /** Number of the line, from 1. */
  readonly line: number;
  readonly uuid: string;
  /** The parent that is missing, or the conversation that the line is of. */
  readonly expected?: string;
}

/** Follows the `uuid` and `parentUuid` of the lines of one transcript. */
export interface ChainCheck {
  see(value: Readonly<Record<string, unknown>>, line: number): void;
  /** How many lines have a place in the conversation. */
  readonly linked: number;
  /** The first ones in the order of the lines, and the number of all, once all were seen. */
  finish(): { readonly links: readonly BrokenLink[]; readonly count: number };
}

/**
 * @param session the conversation that the file is of; of sub-agents, the one that started them
 * @param atMost how many links are named: a file may be broken in every line
 */
export function createChainCheck(session: string | undefined, atMost: number): ChainCheck {
  const seen = new Set<string>();
  const broken: BrokenLink[] = [];
  const awaited: { readonly line: number; readonly uuid: string; readonly expected: string }[] = [];
  let count = 0;
  function note<L>(list: L[], link: L): void {
    count += 1;
    if (list.length < atMost) list.push(link);
  }
  return {
    see(value, line) {
      const uuid = asText(value['uuid']);
      if (uuid === undefined) return;
      const own = asText(value['sessionId']);
      if (session !== undefined && own !== undefined && own !== session)
        note(broken, { kind: 'other_session', line, uuid, expected: own });
      if (seen.has(uuid)) {
        note(broken, { kind: 'repeated', line, uuid });
        return;
      }
      // A compaction begins the chain anew and names the line it goes on from beside it.
      const parent = asText(value['parentUuid']) ?? asText(value['logicalParentUuid']);
      if (parent !== undefined && !seen.has(parent)) {
        note(awaited, { line, uuid, expected: parent });
      }
      seen.add(uuid);
    },
    get linked() {
      return seen.size;
    },
    finish() {
      const links = [...broken];
      for (const { line, uuid, expected } of awaited) {
        const kind = seen.has(expected) ? 'later_parent' : 'missing_parent';
        links.push({ kind, line, uuid, expected });
      }
      links.sort((left, right) => left.line - right.line);
      return { links: links.slice(0, atMost), count };
    },
  };
}

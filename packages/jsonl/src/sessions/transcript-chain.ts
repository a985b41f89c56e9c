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
  /** In the order of the lines, once all were seen. */
  finish(): readonly BrokenLink[];
}

/** @param session the conversation that the file is of; of sub-agents, the one that started them */
export function createChainCheck(session: string | undefined): ChainCheck {
  const seen = new Set<string>();
  const broken: BrokenLink[] = [];
  const awaited: { readonly line: number; readonly uuid: string; readonly expected: string }[] = [];
  return {
    see(value, line) {
      const uuid = asText(value['uuid']);
      if (uuid === undefined) return;
      const own = asText(value['sessionId']);
      if (session !== undefined && own !== undefined && own !== session)
        broken.push({ kind: 'other_session', line, uuid, expected: own });
      if (seen.has(uuid)) {
        broken.push({ kind: 'repeated', line, uuid });
        return;
      }
      // A compaction begins the chain anew and names the line it goes on from beside it.
      const parent = asText(value['parentUuid']) ?? asText(value['logicalParentUuid']);
      if (parent !== undefined && !seen.has(parent)) awaited.push({ line, uuid, expected: parent });
      seen.add(uuid);
    },
    get linked() {
      return seen.size;
    },
    finish() {
      for (const { line, uuid, expected } of awaited) {
        const kind = seen.has(expected) ? 'later_parent' : 'missing_parent';
        broken.push({ kind, line, uuid, expected });
      }
      return broken.sort((left, right) => left.line - right.line);
    },
  };
}

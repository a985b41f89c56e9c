/** Whose tools there are besides those of one server: what a server says of another's tools is out of its place. */
export class Neighbours {
  readonly #tools = new Map<string, ReadonlySet<string>>();
  readonly #listeners = new Map<string, () => void>();

  /** A server of the hub, whether it was asked for its tools or not. `changed`: another's tools are others now. */
  join(server: string, changed: () => void): void {
    this.#tools.set(server, new Set());
    this.#listeners.set(server, changed);
  }

  /** What a server lists. */
  declare(server: string, tools: readonly string[]): void {
    const known = this.#tools.get(server);
    this.#tools.set(server, new Set(tools));
    if (known?.size === tools.length && tools.every((tool) => known.has(tool))) return;
    for (const [other, changed] of this.#listeners) if (other !== server) changed();
  }

  /** The first name in a text of `server` that is another server's, as `server__tool` or by a telling tool's name. */
  mentions(server: string, text: string): string | undefined {
    if (this.#tools.size < 2) return undefined;
    const own = this.#tools.get(server);
    for (const [word] of text.matchAll(/[A-Za-z0-9][A-Za-z0-9_-]{3,200}/g)) {
      for (const [other, tools] of this.#tools) {
        if (other === server) continue;
        if (word.startsWith(`${other}__`) || word.startsWith(`mcp__${other}__`)) return word;
        if (isTelling(word) && tools.has(word) && own?.has(word) !== true) return word;
      }
    }
    return undefined;
  }
}

/** `read_file` names a tool; `search` is a word like any other. */
const isTelling = (word: string): boolean => /[a-z0-9](?:[_-][A-Za-z0-9]|[A-Z])/.test(word);

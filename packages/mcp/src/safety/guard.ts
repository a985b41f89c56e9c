import type { Tool } from '../hub/definitions.js';
import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { canonicalJson } from './canonical-json.js';
import { differencesOf, formatChange, pinTool, type DefinitionChange } from './definition-pin.js';
import type { Neighbours } from './neighbours.js';
import type { DefinitionLock, PinnedServer, PinStore } from './pin-store.js';
import { cleaned, scan, type Finding } from './scan.js';

/** What is done about what is found: nothing, an event, or no use of the tool until a person has looked. */
export type Verdict = 'off' | 'warn' | 'block';

/** Definitions are compared with what they were when they were pinned. */
export interface PinPolicy {
  readonly policy: Verdict;
  readonly store: PinStore;
  /** The project that pins belong to, as an absolute path. Default: the hub's `cwd`. */
  readonly project?: string;
  /** What becomes of a server that was never pinned. Default `pin`: its first list is taken for good. */
  readonly firstUse?: 'pin' | 'block';
  /** The repository's own lock: compared, and never trusted. It can add to what is refused, and take nothing away. */
  readonly lock?: DefinitionLock;
}

/** What is to be said of a server's definitions. */
export interface DefinitionReport {
  readonly changes: readonly DefinitionChange[];
  /** By tool, prompt, resource or template. */
  readonly findings: readonly (Finding & { readonly of: string })[];
}

/** What a person looks at before pinning: with `tools` exactly as the server gave them. */
export interface DefinitionReview extends DefinitionReport {
  readonly server: string;
  readonly tools: readonly Tool[];
}

interface Judged {
  readonly findings: readonly Finding[];
  readonly change: DefinitionChange | undefined;
}

export interface GuardOptions {
  readonly server: string;
  readonly project: string;
  readonly pins: PinPolicy | undefined;
  readonly scan: Verdict;
  readonly neighbours: Neighbours;
  /** Told when there is something new to say. */
  readonly tell: (report: DefinitionReport) => void;
}

/** Judges what one server says of itself, and keeps the verdicts of its tools for the path of each call. */
export class DefinitionGuard {
  /** A tool may only be called once the list, as it is now, was judged. */
  readonly asksFirst: boolean;
  readonly #options: GuardOptions;
  readonly #pins: PinPolicy | undefined;
  #tools: readonly Tool[] = [];
  #exposed: readonly Tool[] = [];
  #changes: readonly DefinitionChange[] = [];
  #judged: ReadonlyMap<string, Judged> = new Map();
  readonly #told = new Map<string, string>();

  constructor(options: GuardOptions) {
    this.#options = options;
    const { pins, neighbours, server } = options;
    this.#pins = pins === undefined || pins.policy === 'off' ? undefined : pins;
    this.asksFirst = this.#pins !== undefined || options.scan === 'block';
    neighbours.join(server, () => this.#judge());
  }

  /** Takes a new list. Throws `ORCH_MCP_STATE` when pins cannot be read or kept. */
  take(tools: readonly Tool[]): void {
    const { server, neighbours } = this.#options;
    this.#changes = this.#compare(tools);
    this.#tools = tools;
    neighbours.declare(
      server,
      tools.map(({ name }) => name),
    );
    this.#judge();
  }

  /** The tools as they may be shown: without those that are refused, and without what is hidden in the others. */
  get exposed(): readonly Tool[] {
    return this.#exposed;
  }

  /** What there is to be said of the tools that were taken last. */
  get review(): DefinitionReview {
    return { server: this.#options.server, tools: this.#tools, ...this.#report() };
  }

  /** From now on these definitions are the right ones. Throws `ORCH_MCP_STATE`. */
  pin(tools: readonly Tool[]): void {
    const { server, project } = this.#options;
    if (this.#pins === undefined)
      throw new McpError('ORCH_MCP_SPEC', `There is nowhere to pin ${server}: give the hub pins.`);
    this.#pins.store.write(project, server, tools, 'replace');
    this.#changes = this.#compare(this.#tools);
    this.#judge();
  }

  /** Why a tool must not be called. Asked before each call. */
  refusal(tool: string): McpError | undefined {
    const judged = this.#judged.get(tool);
    if (judged === undefined)
      return this.#pins?.policy === 'block' ? this.#unlisted(tool) : undefined;
    const { change, findings } = judged;
    if (change !== undefined && this.#pins?.policy === 'block') return this.#changed(change);
    const worst = this.#options.scan === 'block' ? findings[0] : findings.find(unremovable);
    return worst === undefined ? undefined : this.#poisoned(tool, worst);
  }

  /** Prompts, resources or templates as they may be shown. */
  expose<T extends JsonObject>(items: readonly T[], key: string): readonly T[] {
    if (this.#options.scan === 'off') return items;
    const all: (Finding & { of: string })[] = [];
    const shown = items.filter((item) => {
      const name = item[key];
      const of = typeof name === 'string' ? name : '';
      const findings = this.#scan(item);
      all.push(...findings.map((finding) => ({ ...finding, of })));
      return !(this.#options.scan === 'block' ? findings.length > 0 : findings.some(unremovable));
    });
    this.#tell(key, { changes: [], findings: all });
    return shown.map((item) => this.#clean(item));
  }

  /** The instructions of a server, as they may be shown; undefined where they may not be. */
  instructions(text: string): string | undefined {
    const [shown] = this.expose([{ name: 'instructions', instructions: text }], 'name');
    return shown?.instructions;
  }

  #clean<T extends JsonObject>(item: T): T {
    return this.#options.scan === 'off' ? item : cleaned(item);
  }

  #scan(item: JsonObject): readonly Finding[] {
    const { server, neighbours } = this.#options;
    return this.#options.scan === 'off' ? [] : scan(server, item, neighbours);
  }

  #judge(): void {
    const byTool = new Map(this.#changes.map((change) => [change.tool, change]));
    this.#judged = new Map(
      this.#tools.map((tool) => [
        tool.name,
        { findings: this.#scan(tool), change: byTool.get(tool.name) },
      ]),
    );
    this.#exposed = this.#tools
      .filter(({ name }) => this.refusal(name) === undefined)
      .map((tool) => this.#clean(tool));
    this.#tell('tools', this.#report());
  }

  #report(): DefinitionReport {
    const findings = this.#tools.flatMap(({ name }) =>
      (this.#judged.get(name)?.findings ?? []).map((finding) => ({ ...finding, of: name })),
    );
    return { changes: this.#changes, findings };
  }

  #tell(about: string, report: DefinitionReport): void {
    const text = report.changes.length + report.findings.length === 0 ? '' : canonicalJson(report);
    const before = this.#told.get(about) ?? '';
    this.#told.set(about, text);
    if (text !== '' && text !== before) this.#options.tell(report);
  }

  /** What is not as it was pinned. A server that never was is pinned now, if the policy says so. */
  #compare(tools: readonly Tool[]): readonly DefinitionChange[] {
    const pins = this.#pins;
    if (pins === undefined) return [];
    const { server, project } = this.#options;
    let pinned = pins.store.read(project, server);
    if (pinned === undefined && (pins.firstUse ?? 'pin') === 'pin') {
      pins.store.write(project, server, tools, 'create');
      // Another may have been first; then what is here is compared with that.
      pinned = pins.store.read(project, server);
    }
    return changesOf(tools, pinned, pins.lock?.[server]);
  }

  #changed(change: DefinitionChange): McpError {
    const { server } = this.#options;
    return new McpError(
      'ORCH_MCP_CHANGED',
      `The tool ${JSON.stringify(change.tool)} of ${server} is not what was pinned, so nothing was sent. Look at what changed, and pin the server again if it is right:\n${formatChange(change)}`,
      { details: { server, tool: change.tool, change } },
    );
  }

  #unlisted(tool: string): McpError {
    const { server } = this.#options;
    return new McpError(
      'ORCH_MCP_CHANGED',
      `${server} does not list the tool ${JSON.stringify(tool)}, so it cannot be compared with what is pinned, and nothing was sent.`,
      { details: { server, tool } },
    );
  }

  #poisoned(tool: string, finding: Finding): McpError {
    const { server } = this.#options;
    return new McpError(
      'ORCH_MCP_POISONED',
      `What ${server} says of its tool ${JSON.stringify(tool)} is suspicious (${finding.kind} at ${finding.at || '/'}: ${finding.excerpt}), so nothing was sent. Look at it; allow it with scan: 'warn' if it is harmless.`,
      { details: { server, tool, finding } },
    );
  }
}

/** Hidden characters in a name: they are part of what has to be sent, so that they cannot be taken out. */
const hidden: ReadonlySet<string> = new Set(['control', 'bidi', 'tag_characters', 'invisible']);
const unremovable = ({ inName, kind }: Finding): boolean => inName && hidden.has(kind);

function changesOf(
  tools: readonly Tool[],
  pinned: PinnedServer | undefined,
  lock: Readonly<Record<string, string>> | undefined,
): readonly DefinitionChange[] {
  const known = new Map(Object.entries(pinned?.tools ?? {}));
  const locked = lock === undefined ? undefined : new Map(Object.entries(lock));
  const changes: DefinitionChange[] = [];
  for (const tool of tools) {
    const now = pinTool(tool);
    const before = known.get(tool.name);
    known.delete(tool.name);
    if (before === undefined)
      changes.push({
        tool: tool.name,
        kind: 'added',
        differences: differencesOf({}, now.definition),
      });
    // The hash is computed anew: a pin whose two halves do not agree is no pin.
    else if (pinTool(before.definition as Tool).sha256 !== now.sha256)
      changes.push({
        tool: tool.name,
        kind: 'changed',
        differences: differencesOf(before.definition, now.definition),
      });
    else if (locked !== undefined && locked.get(tool.name) !== now.sha256)
      changes.push({ tool: tool.name, kind: 'differs_from_lock', differences: [] });
  }
  for (const [tool, { definition }] of known)
    changes.push({ tool, kind: 'removed', differences: differencesOf(definition, {}) });
  return changes;
}

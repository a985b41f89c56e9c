import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { canonicalJson } from './canonical-json.js';
import { nameOf, partKinds, type DefinitionPart } from './definition-part.js';
import { changesOf, formatChange, type DefinitionChange } from './definition-pin.js';
import type { DefinitionReport, GuardOptions, PinPolicy, PlacedFinding, Verdict } from './guard.js';
import { cleaned, scan, type Finding } from './scan.js';

interface Judged {
  readonly findings: readonly Finding[];
  readonly change: DefinitionChange | undefined;
}

export interface PartGuardOptions extends Omit<GuardOptions, 'pins'> {
  readonly part: DefinitionPart;
  /** Undefined: there are none that anything is compared with. */
  readonly pins: PinPolicy | undefined;
}

/** Judges one part of what a server says of itself, and keeps the verdicts for the path of each call. */
export class PartGuard {
  readonly #options: PartGuardOptions;
  readonly #pins: PinPolicy | undefined;
  readonly #policy: Verdict;
  #given: readonly JsonObject[] = [];
  #exposed: readonly JsonObject[] = [];
  #changes: readonly DefinitionChange[] = [];
  #judged: ReadonlyMap<string, Judged> = new Map();
  /** It was compared, and had never been pinned before. */
  #isFirst: boolean | undefined;
  #told = '';

  constructor(options: PartGuardOptions) {
    this.#options = options;
    this.#pins = options.part === 'resources' && options.dataResources ? undefined : options.pins;
    this.#policy = this.#pins?.policy ?? 'off';
  }

  /** As the server gave it last. */
  get given(): readonly JsonObject[] {
    return this.#given;
  }

  /** As it may be shown: without what is refused, and without what is hidden in the rest. */
  get exposed(): readonly JsonObject[] {
    return this.#exposed;
  }

  /** There is something, and it had never been pinned before. */
  get isFirst(): boolean {
    return this.#isFirst === true && this.#given.length > 0;
  }

  get report(): DefinitionReport {
    const { part } = this.#options;
    const findings = [...this.#judged].flatMap(([of, judged]) =>
      judged.findings.map((finding): PlacedFinding => ({ ...finding, part, of })),
    );
    return { changes: this.#changes, findings };
  }

  /** Takes what the server gives now. Throws `ORCH_MCP_STATE` when pins cannot be read or kept. */
  take(given: readonly JsonObject[]): void {
    this.#changes = this.#compare(given);
    this.#given = given;
  }

  /** From now on these definitions are the right ones. Throws `ORCH_MCP_STATE`. */
  pin(given: readonly JsonObject[]): void {
    const { part, project, server } = this.#options;
    this.#pins?.store.write(project, server, part, given, 'replace');
    this.#changes = this.#compare(this.#given);
    this.judge();
  }

  judge(): void {
    const { part, scan: verdict, server, neighbours } = this.#options;
    const byName = new Map(this.#changes.map((change) => [change.name, change]));
    this.#judged = new Map(
      this.#given.map((one) => [
        nameOf(part, one),
        {
          findings: verdict === 'off' ? [] : scan(server, one, neighbours),
          change: byName.get(nameOf(part, one)),
        },
      ]),
    );
    this.#exposed = this.#given
      .filter((one) => this.refusal(nameOf(part, one)) === undefined)
      .map((one) => (verdict === 'off' ? one : cleaned(one)));
    this.#tell();
  }

  /** Why it must not be used. Asked before each call. */
  refusal(name: string): McpError | undefined {
    const judged = this.#judged.get(name);
    if (judged === undefined) return this.#unlisted(name);
    const { change, findings } = judged;
    if (change !== undefined && this.#policy === 'block') return this.#changed(change);
    const worst = this.#options.scan === 'block' ? findings[0] : findings.find(unremovable);
    return worst === undefined ? undefined : this.#poisoned(name, worst);
  }

  #tell(): void {
    const { part, project, server } = this.#options;
    const { changes, findings } = this.report;
    // What is pinned of a server that is known already is told, so that nobody takes it for pinned before.
    const isLate =
      this.isFirst &&
      part !== 'tools' &&
      this.#pins?.store.read(project, server, 'tools') !== undefined;
    const report = { changes, findings, ...(isLate && { firstPinned: [part] }) };
    const isQuiet = changes.length + findings.length === 0 && !isLate;
    const text = isQuiet ? '' : canonicalJson(report);
    const before = this.#told;
    this.#told = text;
    if (text !== '' && text !== before) this.#options.tell(report);
  }

  /** What is not as it was pinned. What never was is pinned now, if the policy says so. */
  #compare(given: readonly JsonObject[]): readonly DefinitionChange[] {
    const { part, project, server } = this.#options;
    const pins = this.#pins;
    if (pins === undefined) return [];
    let pinned = pins.store.read(project, server, part);
    this.#isFirst ??= pinned === undefined;
    if (pinned === undefined && (pins.firstUse ?? 'pin') === 'pin') {
      pins.store.write(project, server, part, given, 'create');
      // Another may have been first; then what is here is compared with that.
      pinned = pins.store.read(project, server, part);
    }
    const lock = part === 'tools' ? pins.lock?.[server] : undefined;
    return changesOf(part, given, pinned?.definitions ?? {}, lock);
  }

  #changed(change: DefinitionChange): McpError {
    const { server, part } = this.#options;
    const { noun } = partKinds[part];
    const isData =
      part === 'resources'
        ? ' If its resources are data that comes and goes, say so of the server: dataResources.'
        : '';
    return new McpError(
      'ORCH_MCP_CHANGED',
      `The ${noun} ${JSON.stringify(change.name)} of ${server} is not what was pinned, so nothing was sent. Look at what changed, and pin the server again if it is right.${isData}\n${formatChange(change)}`,
      { details: { server, [noun]: change.name, change } },
    );
  }

  /** Resources that a template or a result leads to are in no list. */
  #unlisted(name: string): McpError | undefined {
    const { server, part } = this.#options;
    if (this.#policy !== 'block' || (part !== 'tools' && part !== 'prompts')) return undefined;
    const { noun } = partKinds[part];
    return new McpError(
      'ORCH_MCP_CHANGED',
      `${server} does not list the ${noun} ${JSON.stringify(name)}, so it cannot be compared with what is pinned, and nothing was sent.`,
      { details: { server, [noun]: name } },
    );
  }

  #poisoned(name: string, finding: Finding): McpError {
    const { server, part } = this.#options;
    const { noun } = partKinds[part];
    return new McpError(
      'ORCH_MCP_POISONED',
      `What ${server} says of its ${noun} ${JSON.stringify(name)} is suspicious (${finding.kind} at ${finding.at || '/'}: ${finding.excerpt}), so nothing was sent. Look at it; allow it with scan: 'warn' if it is harmless.`,
      { details: { server, [noun]: name, finding } },
    );
  }
}

/** Hidden characters in a name: they are part of what has to be sent, so that they cannot be taken out. */
const hidden: ReadonlySet<string> = new Set(['control', 'bidi', 'tag_characters', 'invisible']);
const unremovable = ({ inName, kind }: Finding): boolean => inName && hidden.has(kind);

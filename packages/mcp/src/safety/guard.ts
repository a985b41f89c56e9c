import type { Prompt, Resource, ResourceTemplate, Tool } from '../hub/definitions.js';
import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { nameOf, parts, type DefinitionPart } from './definition-part.js';
import type { DefinitionChange } from './definition-pin.js';
import type { Neighbours } from './neighbours.js';
import { PartGuard } from './part-guard.js';
import type { DefinitionLock, PinStore } from './pin-store.js';
import type { Finding } from './scan.js';

/** What is done about what is found: nothing, an event, or no use of the tool until a person has looked. */
export type Verdict = 'off' | 'warn' | 'block';

/** Definitions are compared with what they were when they were pinned. */
export interface PinPolicy {
  readonly policy: Verdict;
  readonly store: PinStore;
  /** The project that pins belong to, as an absolute path. Default: the hub's `cwd`. */
  readonly project?: string;
  /** What becomes of what was never pinned. Default `pin`: what a server says first is taken for good. */
  readonly firstUse?: 'pin' | 'block';
  /** The repository's own lock of tools: compared, and never trusted. It can add to what is refused, and take nothing away. */
  readonly lock?: DefinitionLock;
}

export interface PlacedFinding extends Finding {
  readonly part: DefinitionPart;
  /** The tool, prompt, resource or template. */
  readonly of: string;
}

/** What is to be said of a server's definitions. */
export interface DefinitionReport {
  readonly changes: readonly DefinitionChange[];
  readonly findings: readonly PlacedFinding[];
  /** What was never pinned of a server of which other things are; with `firstUse: 'pin'` it is now. */
  readonly firstPinned?: readonly DefinitionPart[];
}

/** What a person looks at before pinning: with all definitions exactly as the server gave them. */
export interface DefinitionReview extends DefinitionReport {
  readonly server: string;
  readonly tools: readonly Tool[];
  readonly prompts: readonly Prompt[];
  readonly resources: readonly Resource[];
  readonly templates: readonly ResourceTemplate[];
  /** Undefined: it has none. */
  readonly instructions: string | undefined;
}

export interface GuardOptions {
  readonly server: string;
  readonly project: string;
  readonly pins: PinPolicy | undefined;
  readonly scan: Verdict;
  readonly neighbours: Neighbours;
  /** Its resources are not pinned. */
  readonly dataResources: boolean;
  /** Told when there is something new to say. */
  readonly tell: (report: DefinitionReport) => void;
}

/** Judges what one server says of itself. */
export class DefinitionGuard {
  /** A tool or prompt may only be used once the list, as it is now, was judged. */
  readonly asksFirst: boolean;
  readonly #options: GuardOptions;
  readonly #pins: PinPolicy | undefined;
  readonly #parts: Readonly<Record<DefinitionPart, PartGuard>>;

  constructor(options: GuardOptions) {
    this.#options = options;
    const { pins, neighbours, server } = options;
    this.#pins = pins === undefined || pins.policy === 'off' ? undefined : pins;
    this.asksFirst = this.#pins !== undefined || options.scan === 'block';
    this.#parts = Object.fromEntries(
      parts.map((part) => [part, new PartGuard({ ...options, part, pins: this.#pins })]),
    ) as Record<DefinitionPart, PartGuard>;
    neighbours.join(server, () => {
      for (const part of parts) this.#parts[part].judge();
    });
  }

  /** Takes a new list. Throws `ORCH_MCP_STATE` when pins cannot be read or kept. */
  take(part: DefinitionPart, definitions: readonly JsonObject[]): void {
    const { server, neighbours } = this.#options;
    this.#parts[part].take(definitions);
    if (part === 'tools')
      neighbours.declare(
        server,
        definitions.map((one) => nameOf(part, one)),
      );
    this.#parts[part].judge();
  }

  /** A list as it may be shown: without what is refused, and without what is hidden in the rest. */
  exposed(part: DefinitionPart): readonly JsonObject[] {
    return this.#parts[part].exposed;
  }

  /** This part of the server is such as is pinned. */
  isPinned(part: DefinitionPart): boolean {
    return part !== 'resources' || !this.#options.dataResources;
  }

  /** Why a tool, prompt, resource or template must not be used. Asked before each call. */
  refusal(part: DefinitionPart, name: string): McpError | undefined {
    return this.#parts[part].refusal(name);
  }

  /** The instructions of a server, as they may be shown; undefined where they may not be. Throws `ORCH_MCP_STATE`. */
  instructions(text: string | undefined): string | undefined {
    this.take(
      'instructions',
      text === undefined ? [] : [{ name: 'instructions', instructions: text }],
    );
    return instructionsIn(this.exposed('instructions'));
  }

  /** What there is to be said of what was taken last. */
  get review(): DefinitionReview {
    const given = (part: DefinitionPart): readonly JsonObject[] => this.#parts[part].given;
    const reports = parts.map((part) => this.#parts[part].report);
    return {
      server: this.#options.server,
      tools: given('tools') as readonly Tool[],
      prompts: given('prompts') as readonly Prompt[],
      resources: given('resources') as readonly Resource[],
      templates: given('templates') as readonly ResourceTemplate[],
      instructions: instructionsIn(given('instructions')),
      changes: reports.flatMap(({ changes }) => changes),
      findings: reports.flatMap(({ findings }) => findings),
      firstPinned: parts.filter((part) => this.#parts[part].isFirst),
    };
  }

  /** From now on what was looked at is right. Throws `ORCH_MCP_STATE`. */
  pin(review: DefinitionReview): void {
    const { server } = this.#options;
    if (this.#pins === undefined)
      throw new McpError('ORCH_MCP_SPEC', `There is nowhere to pin ${server}: give the hub pins.`);
    const { instructions } = review;
    for (const part of parts)
      this.#parts[part].pin(
        part !== 'instructions'
          ? review[part]
          : instructions === undefined
            ? []
            : [{ name: 'instructions', instructions }],
      );
  }
}

function instructionsIn([one]: readonly JsonObject[]): string | undefined {
  const text = one?.['instructions'];
  return typeof text === 'string' ? text : undefined;
}

import path from 'node:path';
import { realpathSync } from 'node:fs';
import { HooksError } from '../hooks-error.js';
import { findSlowPart } from '../matcher/slow-part.js';
import type { MatcherFault } from '../matcher/matcher.js';
import type { HookSpec } from '../table/hook-spec.js';
import {
  readLayers,
  type HookEntry,
  type HookLayer,
  type RefusedHook,
} from '../table/read-layers.js';
import { approvalId, type Approval, type ApprovalStore } from './approval-store.js';
import { pin, type PinPlace } from './pin.js';

/** What managed and user settings allow hooks of theirs beyond programs and loopback. */
export interface HookPolicy {
  /** Lines that may be given to `/bin/sh`, exactly as they stand here. */
  readonly shell?: readonly string[];
  /** Hosts besides loopback that hooks may send to; as in an address, with the port if it is unusual. */
  readonly hosts?: readonly string[];
}

/** A hook that may run, with what exactly runs for it. */
export interface RunnableHook extends HookEntry {
  /** 12 hexadecimal digits, the same for the same hook of the same project. */
  readonly id: string;
  readonly allowedBy: 'policy' | 'approval';
  /** With an absolute program, and copies in the place of files that agents can write. */
  readonly argv: readonly string[];
  /** Copies, whose bytes are looked at before each run. */
  readonly files: readonly { readonly copy: string; readonly sha256: string }[];
}

/** What runs and what does not. */
export interface HookTable {
  readonly hooks: readonly RunnableHook[];
  readonly refused: readonly (RefusedHook & { readonly id?: string })[];
  /** Every entry that could be read, allowed or not, by its id: what can be approved. */
  readonly entries: ReadonlyMap<string, HookEntry>;
}

export interface LoadOptions {
  readonly layers: readonly HookLayer[];
  readonly policy?: HookPolicy;
  readonly place: PinPlace;
  /** Without a store nothing is approved. */
  readonly approvals?: ApprovalStore;
}

/**
 * Decides of each hook whether it may run: by policy (managed and user settings), or by a person's approval.
 * Rejects only when an argument is wrong; whatever is wrong with a hook makes it one of `refused`.
 */
export async function loadHookTable(options: LoadOptions): Promise<HookTable> {
  const place = resolvePlace(options.place);
  const { entries, refused: unread } = readLayers(options.layers);
  const refused: (RefusedHook & { readonly id?: string })[] = [...unread];
  const hooks: RunnableHook[] = [];
  const byId = new Map<string, HookEntry>();
  for (const entry of entries) {
    const id = approvalId(entry, place.project);
    if (!byId.has(id)) byId.set(id, entry);
    const admitted = await admit(entry, id, place, options);
    if ('reason' in admitted) refused.push({ ...admitted, id });
    else hooks.push(admitted);
  }
  return { hooks, refused, entries: byId };
}

/** Paths as they really are: a root behind a link would protect nothing. */
function resolvePlace(place: PinPlace): PinPlace {
  const real = (file: string): string => {
    try {
      return realpathSync(file);
    } catch {
      return path.resolve(file);
    }
  };
  const project = real(place.project);
  return { ...place, project, agentRoots: [...new Set([project, ...place.agentRoots.map(real)])] };
}

type Refuse = (reason: RefusedHook['reason'], message: string, next?: string) => RefusedHook;

async function admit(
  entry: HookEntry,
  id: string,
  place: PinPlace,
  { approvals, policy = {} }: LoadOptions,
): Promise<RunnableHook | RefusedHook> {
  const { tier, source, where, event, matcher } = entry;
  const refuse: Refuse = (reason, message, next) => ({
    ...{ tier, source, where, event, matcher, reason, message: `${where}: ${message}` },
    ...(next === undefined ? {} : { next }),
  });
  const approve = `orch hooks approve ${id}`;
  let approval: Approval | undefined;
  try {
    approval = approvals?.find(entry, place.project);
  } catch (error) {
    return refuse('not_approved', (error as Error).message, approve);
  }
  const isPolicy = tier === 'managed' || tier === 'user';
  if (approval === undefined && !isPolicy) {
    return refuse(
      'not_approved',
      `${tier} settings may not start hooks, and nobody approved this one`,
      approve,
    );
  }
  const slow = entry.reads.kind === 'pattern' ? await quick(matcher) : null;
  if (slow !== null)
    return refuse(
      'slow_matcher',
      `${slow.fault}, at character ${slow.position + 1} of its matcher`,
    );
  if (approval !== undefined)
    return { ...entry, id, allowedBy: 'approval', argv: approval.argv, files: approval.files };
  const denied = outsidePolicy(entry.spec, policy);
  if (denied !== undefined) return refuse(denied.reason, denied.message, approve);
  try {
    const { argv, files } = pin(entry.spec, place);
    const [first] = files;
    if (first !== undefined)
      return refuse(
        'unpinnable',
        `agents can write ${first.source}; an approval makes a copy that they cannot`,
        approve,
      );
    return { ...entry, id, allowedBy: 'policy', argv, files: [] };
  } catch (error) {
    if (HooksError.isInstance(error)) return refuse('unpinnable', error.message);
    return refuse('unpinnable', `what it runs cannot be read (${(error as Error).message})`);
  }
}

function outsidePolicy(
  spec: HookSpec,
  { shell = [], hosts = [] }: HookPolicy,
): Pick<RefusedHook, 'reason' | 'message'> | undefined {
  if (spec.kind === 'shell' && !shell.includes(spec.line)) {
    return {
      reason: 'shell_line',
      message: `a shell runs only lines that are allowed exactly; use argv, or allow ${JSON.stringify(spec.line.slice(0, 80))}`,
    };
  }
  const url = spec.kind === 'http' || spec.kind === 'notice' ? spec.url : undefined;
  if (url === undefined || isAllowedHost(url, hosts)) return undefined;
  return {
    reason: 'host',
    message: `${new URL(url).host} is neither loopback nor one of the allowed hosts`,
  };
}

/** Loopback by its number: a name could be resolved to anything. */
export function isAllowedHost(url: string, hosts: readonly string[]): boolean {
  const { hostname, host } = new URL(url);
  return /^127\.\d+\.\d+\.\d+$/.test(hostname) || hostname === '[::1]' || hosts.includes(host);
}

const looked = new Map<string, Promise<MatcherFault | null>>();
/** An expression is analysed once a process. */
function quick(matcher: string): Promise<MatcherFault | null> {
  const found = looked.get(matcher) ?? findSlowPart(matcher);
  if (looked.size > 10_000) looked.clear();
  looked.set(matcher, found);
  return found;
}

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { HooksError } from '../hooks-error.js';
import { canonical, isJsonObject, own, parseJson, type JsonObject } from '../json.js';
import { findSlowPart } from '../matcher/slow-part.js';
import type { HookEntry } from '../table/read-layers.js';
import { writeWhole } from '../write-whole.js';
import { agentCanWrite } from './agent-writable.js';
import { pin, type Pinned, type PinPlace } from './pin.js';

/** A file that runs from the store, in the place of one that agents can write. */
export interface StoredFile {
  readonly argument: number;
  readonly prefix: string;
  readonly source: string;
  readonly sha256: string;
  /** Absolute; in the store. */
  readonly copy: string;
}

/** A person's yes to one hook: event, matcher, what runs, and the bytes of it. */
export interface Approval {
  readonly version: 1;
  readonly id: string;
  readonly project: string;
  readonly event: string;
  readonly matcher: string;
  /** Canonical JSON of the spec that was approved. */
  readonly spec: string;
  /** With the copies in their places. */
  readonly argv: readonly string[];
  readonly files: readonly StoredFile[];
  /** UTC. */
  readonly approvedAt: string;
}

/** What a person is asked about; approving it approves exactly these bytes. */
export interface Proposal {
  readonly id: string;
  readonly entry: HookEntry;
  readonly project: string;
  readonly pinned: Pinned;
}

export interface ApprovalStore {
  readonly directory: string;
  /**
   * Reads what a hook runs, once. Rejects with `ORCH_HOOKS_UNPINNABLE`, also for a matcher that is too slow.
   */
  propose(entry: HookEntry, place: PinPlace): Promise<Proposal>;
  /** Copies the bytes of a proposal into the store and writes the approval. Throws `ORCH_HOOKS_APPROVAL`. */
  approve(proposal: Proposal): Approval;
  /** Takes an approval back, by its id or the beginning of it. Undefined: there is none. */
  revoke(id: string): Approval | undefined;
  /** The approval of a hook, whatever its files look like by now. */
  find(entry: HookEntry, project: string): Approval | undefined;
  /** All that can be read, and the files that cannot. */
  list(): { readonly approvals: readonly Approval[]; readonly unreadable: readonly string[] };
}

/** The name of a hook for its approval: the same for the same event, matcher, spec and project. */
export function approvalId(entry: HookEntry, project: string): string {
  const { event, matcher, spec } = entry;
  return createHash('sha256')
    .update(canonical({ event, matcher, spec, project }))
    .digest('hex')
    .slice(0, 12);
}

/**
 * Opens the store below `directory`, which must lie outside of everything agents can write. Makes it on the
 * first approval. Throws `ORCH_HOOKS_APPROVAL`.
 */
export function openApprovals(options: {
  readonly directory: string;
  readonly agentRoots: readonly string[];
}): ApprovalStore {
  const { directory, agentRoots } = options;
  const danger = path.isAbsolute(directory)
    ? agentCanWrite(resolved(directory), agentRoots)
    : `${directory} is no absolute path`;
  if (danger !== undefined) {
    throw new HooksError(
      'ORCH_HOOKS_APPROVAL',
      `Approvals cannot be kept at ${directory}: ${danger}. Choose a state directory outside of the repository and its workspaces.`,
      { details: { path: directory } },
    );
  }
  const approvals = path.join(directory, 'approvals');
  const fileOf = (id: string): string => path.join(approvals, `${id}.json`);

  function read(file: string): Approval | undefined {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unreadable(file, error);
    }
    const approval = readApproval(text);
    if (approval === undefined || fileOf(approval.id) !== file) throw unreadable(file);
    return approval;
  }

  function list(): ReturnType<ApprovalStore['list']> {
    const found: Approval[] = [];
    const broken: string[] = [];
    let names: string[] = [];
    try {
      names = readdirSync(approvals)
        .filter((name) => name.endsWith('.json'))
        .sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(approvals, error);
    }
    for (const name of names) {
      try {
        const approval = read(path.join(approvals, name));
        if (approval !== undefined) found.push(approval);
      } catch {
        broken.push(path.join(approvals, name));
      }
    }
    return { approvals: found, unreadable: broken };
  }

  return {
    directory,
    async propose(entry, place) {
      if (entry.reads.kind === 'pattern') {
        const slow = await findSlowPart(entry.matcher);
        if (slow !== null) {
          throw new HooksError(
            'ORCH_HOOKS_UNPINNABLE',
            `${entry.where}: the matcher ${JSON.stringify(entry.matcher)} cannot be approved: ${slow.fault}, at character ${slow.position + 1}.`,
            { details: { position: slow.position } },
          );
        }
      }
      return {
        id: approvalId(entry, place.project),
        entry,
        project: place.project,
        pinned: pin(entry.spec, place),
      };
    },
    approve({ id, entry, project, pinned }) {
      const argv = [...pinned.argv];
      try {
        const files = pinned.files.map(
          ({ argument, prefix, source, sha256, executable }): StoredFile => {
            const place = path.join(directory, 'approved', sha256);
            mkdirSync(place, { recursive: true, mode: 0o700 });
            const copy = path.join(place, path.basename(source));
            // The program has to be executable; what an interpreter reads needs not.
            writeWhole(
              copy,
              pinned.bytes.get(source) ?? '',
              executable || argument === 0 ? 0o500 : 0o400,
            );
            argv[argument] = prefix + copy;
            return { argument, prefix, source, sha256, copy };
          },
        );
        const approval: Approval = {
          version: 1,
          id,
          project,
          event: entry.event,
          matcher: entry.matcher,
          spec: canonical(entry.spec),
          argv,
          files,
          approvedAt: new Date().toISOString(),
        };
        mkdirSync(approvals, { recursive: true, mode: 0o700 });
        writeWhole(fileOf(id), `${JSON.stringify(approval, undefined, 2)}\n`, 0o600);
        return approval;
      } catch (cause) {
        throw new HooksError(
          'ORCH_HOOKS_APPROVAL',
          `The approval of ${entry.where} could not be written below ${directory}. Nothing was approved. Check that the directory can be written.`,
          { details: { path: directory }, cause },
        );
      }
    },
    revoke(id) {
      const found = /^[0-9a-f]{4,12}$/.test(id)
        ? list().approvals.filter((one) => one.id.startsWith(id))
        : [];
      const [approval] = found;
      if (approval === undefined || found.length > 1) return undefined;
      rmSync(fileOf(approval.id));
      return approval;
    },
    find(entry, project) {
      const approval = read(fileOf(approvalId(entry, project)));
      return approval?.spec === canonical(entry.spec) ? approval : undefined;
    },
    list,
  };
}

/** As much of the path as exists, resolved: the store may not be there yet. */
function resolved(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    const parent = path.dirname(directory);
    return parent === directory ? directory : path.join(resolved(parent), path.basename(directory));
  }
}

function unreadable(file: string, cause?: unknown): HooksError {
  return new HooksError(
    'ORCH_HOOKS_APPROVAL',
    `The approval ${file} cannot be read, so its hook does not run. Remove it and approve the hook again.`,
    { details: { path: file }, cause },
  );
}

function readApproval(text: string): Approval | undefined {
  let value;
  try {
    value = parseJson(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value) || own(value, 'version') !== 1) return undefined;
  const texts = ['id', 'project', 'event', 'matcher', 'spec', 'approvedAt'];
  const [argv, files] = [own(value, 'argv'), own(value, 'files')];
  const isWhole =
    texts.every((key) => typeof own(value, key) === 'string') &&
    Array.isArray(argv) &&
    argv.every((part) => typeof part === 'string') &&
    Array.isArray(files) &&
    files.every((file) => isJsonObject(file) && isStoredFile(file));
  return isWhole ? (value as unknown as Approval) : undefined;
}

const isStoredFile = (file: JsonObject): boolean =>
  ['prefix', 'source', 'sha256', 'copy'].every((key) => typeof own(file, key) === 'string') &&
  Number.isInteger(own(file, 'argument'));

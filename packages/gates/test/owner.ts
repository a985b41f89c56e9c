import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcessOwner, type ProcessOwner } from '@orch/process';
import { afterAll } from 'vitest';
import { runCommandGate, type CommandGateRequest, type GateResult } from '../src/index.js';

let count = 0;

/** An owner for one test file; whatever a gate left would fail the file. */
export function createOwner(): ProcessOwner {
  const owner = createProcessOwner({ marker: `gates-${process.pid}.${(count += 1)}` });
  afterAll(async () => {
    const left = [...(await owner.left()), ...(await owner.close())];
    if (left.length > 0) throw new Error(`Left: ${left.map(({ name }) => name).join(', ')}`);
  });
  return owner;
}

/** A directory with these files. */
export function project(
  files: Readonly<Record<string, string>>,
  onTestFinished: (clean: () => void) => void,
): string {
  const directory = mkdtempSync(join(tmpdir(), 'gates-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

export const environment = { PATH: process.env['PATH'] ?? '/bin:/usr/bin' };

export const request: CommandGateRequest = {
  id: 'check',
  command: { argv: ['true'], shell: false },
  cwd: '/',
  env: environment,
  timeoutMs: 60_000,
  commit: 'c'.repeat(40),
  tree: 'd'.repeat(40),
  subject: 'task a',
};

export function runArgv(
  owner: ProcessOwner,
  argv: readonly string[],
  more: Partial<CommandGateRequest> = {},
): Promise<GateResult> {
  const { signal } = new AbortController();
  return runCommandGate(
    { ...request, command: { argv, shell: false }, ...more },
    { owner, signal },
  );
}

export function runShell(
  owner: ProcessOwner,
  line: string,
  more: Partial<CommandGateRequest> = {},
): Promise<GateResult> {
  return runArgv(owner, [], { ...more, command: { argv: [line], shell: true } });
}

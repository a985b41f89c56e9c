import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runLayout } from '@orch/coordinator';
import { createProcessOwner } from '@orch/process';
import { expect, it, onTestFinished } from 'vitest';
import { createGate } from '../../src/parts/checks.js';

it('the same gate on the same tree, asked again and side by side, leaves a receipt each time', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'orch-core-'));
  const owner = createProcessOwner({ marker: `checks.${process.pid}` });
  onTestFinished(async () => {
    await owner.close();
    rmSync(home, { recursive: true, force: true });
  });
  const layout = runLayout(home, '0000000000');
  const gate = createGate({
    owner,
    environment: { PATH: process.env['PATH'] ?? '' },
    layout,
    rehearsal: false,
    redact: (text) => text,
  });
  const check = (code: number, subject: string) =>
    gate.check(
      {
        run: '0000000000',
        gate: {
          id: 'unit',
          command: { argv: [`exit ${code}`], shell: true },
          env: {},
          timeoutMs: 60_000,
          protect: [],
          at: { file: 'orch.yaml', line: 1, column: 1 },
        },
        commit: 'c'.repeat(40),
        tree: 'a'.repeat(40),
        path: home,
        subject,
      },
      { signal: new AbortController().signal },
    );
  await check(1, 'fix[a/b]');
  await check(0, 'fix[a/b]');
  // Two subjects whose names are one as a file.
  await Promise.all([check(3, 'fix[a-b]'), check(4, 'fix[a b]')]);
  const receipts = readdirSync(layout.receipts).map(
    (name) =>
      JSON.parse(readFileSync(path.join(layout.receipts, name), 'utf8')) as {
        readonly exit: { readonly code: number };
      },
  );
  expect(receipts.map(({ exit }) => exit.code).sort()).toEqual([0, 1, 3, 4]);
});

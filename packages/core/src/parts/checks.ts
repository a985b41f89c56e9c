import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCommandGate } from '@orch/gates';
import type { Gate, RunLayout, Setup } from '@orch/coordinator';
import type { ProcessOwner } from '@orch/process';

interface CheckParts {
  readonly owner: ProcessOwner;
  /** Without provider credentials: what is checked was written by an agent. */
  readonly environment: Readonly<Record<string, string>>;
  readonly layout: RunLayout;
  readonly rehearsal: boolean;
  /** Takes declared secrets out of what is recorded. */
  readonly redact: (text: string) => string;
}

/** Runs command gates and keeps each receipt as a file of its own, which nothing replaces. */
export function createGate({ owner, environment, layout, rehearsal, redact }: CheckParts): Gate {
  return {
    async check(request, { signal }) {
      const result = await runCommandGate(
        {
          id: request.gate.id,
          command: request.gate.command,
          cwd: request.path,
          env: { ...environment, ...request.gate.env },
          timeoutMs: request.gate.timeoutMs,
          commit: request.commit,
          tree: request.tree,
          subject: request.subject,
        },
        { owner, signal },
      );
      await mkdir(layout.receipts, { recursive: true, mode: 0o700 });
      const receipt = {
        v: 1,
        ...(rehearsal ? { stamp: 'REHEARSAL' } : {}),
        gate: request.gate.id,
        subject: request.subject,
        verdict: result.verdict,
        ...result.receipt,
      };
      const name = `${request.subject.replaceAll(/[^A-Za-z0-9._-]/g, '-')}.${request.gate.id}.${request.tree.slice(0, 12)}`;
      await writeAnew(path.join(layout.receipts, name), `${JSON.stringify(receipt, null, 2)}\n`);
      return { ...result, findings: redact(result.findings) };
    },
  };
}

/** Writes `<path>.json`; the same gate on the same tree, asked again, has a number behind it. */
async function writeAnew(path: string, text: string): Promise<void> {
  for (let number = 1; ; number += 1) {
    const file = `${path}${number === 1 ? '' : `.${number}`}.json`;
    try {
      await writeFile(file, text, { mode: 0o600, flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

const excerptBytes = 4_000;

/** Runs `workspace.setup`, one command after the other, until one fails. */
export function createSetup({
  owner,
  environment,
}: Pick<CheckParts, 'owner' | 'environment'>): Setup {
  return {
    async run({ path: cwd, setup }, { signal }) {
      for (const argv of setup.commands) {
        const [program, ...rest] = argv;
        if (program === undefined) continue;
        const ended = await owner.run({
          argv: [program, ...rest],
          cwd,
          env: environment,
          wallMs: setup.timeoutMs,
          signal,
        });
        if (ended.reason === 'exited' && ended.code === 0) continue;
        const how =
          ended.reason === 'exited' ? `exit ${ended.code ?? ended.signal ?? '?'}` : ended.reason;
        return {
          ok: false,
          findings: `${argv.join(' ')}: ${how}\n${(ended.stderr.text || ended.stdout.text).slice(-excerptBytes)}`,
        };
      }
      return { ok: true };
    },
  };
}

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { scripted } from '../harness/model.js';
import { jsonLines, orch, runDirectory, status, type Finished } from '../harness/orch.js';
import { fault, wait, waiting, write, useServersScene } from '../harness/servers-scene.js';
import { processesWith, until } from '../harness/witness.js';

const { now, inHome, startRun, plan, configure, filesServer, answersIn, admission } =
  useServersScene();

const succeeded = ({ code, stdout, stderr }: Finished): void =>
  expect(code, stdout + stderr).toBe(0);

/** The processes that outlive a leader to end what it left. */
const reapersOf = (leader: number): readonly number[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const title = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return Number(parent) === leader && title.includes('orch-reaper') ? [Number(name)] : [];
    } catch {
      return [];
    }
  });

describe('a leader that is killed', () => {
  it('leaves no server, and who takes up the run hands out the same memory', async () => {
    const { repository, model } = now();
    configure({ files: filesServer() });
    repository.write(wait);
    plan([
      {
        id: 'work',
        mcp: ['files', 'memory'],
        allow: ['Write', 'Bash(sh wait.sh *)'],
        prompt: scripted([
          { tool: 'mcp__orch__memory__write', input: { key: 'note', value: 'before' } },
          waiting(inHome('go')),
          { tool: 'mcp__orch__memory__read', input: { key: 'note' } },
          write,
          'Done.',
        ]),
      },
    ]);
    const running = startRun();
    await until('the agent has written', () => answersIn('work').length === 1);
    const servers = processesWith('WITNESS', repository.home);
    expect(servers.length).toBeGreaterThan(0);
    // They are on record before they count as started.
    const recorded = jsonLines(path.join(runDirectory(repository) ?? '', 'processes.jsonl'));
    const started = recorded.map((line) => (line as { pid?: number }).pid);
    expect(servers.some(({ pid }) => started.includes(pid))).toBe(true);
    const before = admission('work');
    process.kill(running.pid, 'SIGKILL');
    await running.finished;
    await until('no server is left', () => processesWith('WITNESS', repository.home).length === 0);

    writeFileSync(inHome('go'), '');
    succeeded(await orch(repository, ['resume'], { env: model.env }));
    expect((await status(repository)).state.tasks['work']?.verdict).toBe('succeeded');
    const last = readdirSync(path.join(runDirectory(repository) ?? '', 'sessions'))
      .sort()
      .at(-1);
    const text = readFileSync(
      path.join(runDirectory(repository) ?? '', 'sessions', last ?? ''),
      'utf8',
    );
    expect(text).toContain('before');
    expect(before).toBeDefined();
    expect(processesWith('WITNESS', repository.home)).toEqual([]);
  });

  it('and whose reaper is killed too leaves one that is deaf, which whoever takes up the run ends', async () => {
    const { repository } = now();
    const deaf = {
      command: process.execPath,
      args: [fault, 'deaf'],
      env: { WITNESS: repository.home },
    };
    configure({ deaf });
    repository.write(wait);
    plan([
      {
        id: 'work',
        mcp: ['deaf'],
        sh: `sh wait.sh ${inHome('go')} && echo done > work.txt`,
        effect: 'diff',
      },
    ]);
    const running = startRun();
    await until('the command runs', () => {
      const id = path.basename(runDirectory(repository) ?? '');
      return processesWith('ORCH_RUN', id).some(({ command }) => command.includes('wait.sh'));
    });
    // Stopped, it starts no other reaper.
    process.kill(running.pid, 'SIGSTOP');
    for (const reaper of reapersOf(running.pid)) process.kill(reaper, 'SIGKILL');
    process.kill(running.pid, 'SIGKILL');
    await running.finished;
    const [left] = processesWith('WITNESS', repository.home);
    process.kill(left?.pid ?? 0, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(processesWith('WITNESS', repository.home).map(({ pid }) => pid)).toEqual([left?.pid]);

    writeFileSync(inHome('go'), '');
    succeeded(await orch(repository, ['resume']));
    expect(processesWith('WITNESS', repository.home)).toEqual([]);
  });
});
